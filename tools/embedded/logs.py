"""Log files: one per child, with that of its last run, readable by their owner only."""

import os
from pathlib import Path
from typing import IO


def open_log(path: Path) -> IO[bytes]:
    """Open for appending. A new file is created private."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def rotate_logs(folder: Path) -> None:
    """Start new logs. Those of the last run are kept as NAME.log.1, so a crash can be read after a restart."""
    for path in folder.glob("*.log"):
        path.replace(path.with_name(path.name + ".1"))


def read_last_lines(path: Path, count: int = 6) -> list[str]:
    """Return the last lines of a log."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-count:]
