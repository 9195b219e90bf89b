"""The log files: one for each child, its last run's beside it, readable by their owner alone."""

import os
from pathlib import Path
from typing import IO


def open_log(path: Path) -> IO[bytes]:
    """Open for appending; a new file is private from its first moment."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def rotate_logs(folder: Path) -> None:
    """Begin new logs. The last run's stay as NAME.log.1, so a crash can still be read after a new start."""
    for path in folder.glob("*.log"):
        path.replace(path.with_name(path.name + ".1"))


def read_last_lines(path: Path, count: int = 6) -> list[str]:
    """What a log says at its end."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-count:]
