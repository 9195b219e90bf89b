"""The lock on a home: at most one supervisor runs in it, and others can ask which."""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Self

from embedded.home import Home, write_private
from embedded.reaper import ReapedProcess, stop_in_order


@dataclass
class SupervisorNote:
    """A file in which the supervisor of a home describes itself. It remains after the supervisor ends."""

    pid: int
    address: str
    children: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, home: Home) -> Self | None:
        """Return the last note; None if there is no readable one."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            note = cls(**json.loads((home.folder / "run.json").read_text()))
            # An older version wrote other fields.
            note.list_alive()
            return note
        return None

    def write(self, home: Home) -> None:
        write_private(home.folder / "run.json", json.dumps(asdict(self)))

    def list_alive(self) -> list[ReapedProcess]:
        return [process for process in map(ReapedProcess.from_line, self.children) if process.is_alive()]


class HomeLock:
    """A kernel lock on a home. It ends with its process, so it is never stale."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock. Returns whether it is ours. First stops what an earlier supervisor left running."""
        self.home.open()
        path = self.home.folder / "lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A reset between the two calls deleted the file that we hold.
            is_ours = path.exists() and os.fstat(file).st_ino == path.stat().st_ino
        except BlockingIOError:
            is_ours = False
        if not is_ours:
            os.close(file)
            return False
        self._file = file
        if (last := SupervisorNote.read(self.home)) is not None:
            stop_in_order(last.list_alive())
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
