"""Facts about processes by pid, safe against reused pids."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()


@dataclass(frozen=True)
class ProcessMark:
    """Identifies a process by its pid and start time."""

    pid: int
    started_at: str

    def is_alive(self) -> bool:
        return find_start_time(self.pid) == self.started_at


def mark_process(pid: int) -> ProcessMark | None:
    """Return the mark of a living process, or None."""
    started_at = find_start_time(pid)
    return ProcessMark(pid, started_at) if started_at else None


def find_start_time(pid: int) -> str | None:
    """Return a process's start time as the system writes it; None if it has ended or is a zombie."""
    if not HAS_PROC:
        state, _, started_at = _run_ps(pid, "stat=", "lstart=").partition(" ")
        return None if state.startswith("Z") else started_at.strip() or None
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in parentheses can contain anything; after it, the state is field 3 and the start time field 22.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def get_command_line(pid: int) -> str:
    """Return the command line of a process, or an empty string."""
    if not HAS_PROC:
        return _run_ps(pid, "command=")
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _run_ps(pid: int, *columns: str) -> str:
    options = [part for column in columns for part in ("-o", column)]
    result = subprocess.run(
        ["/bin/ps", *options, "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return result.stdout.strip()
