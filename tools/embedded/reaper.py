"""The reaper: a small process that stops every child when the supervisor ends, even if it is killed.

The supervisor writes each child's mark into a pipe; the reaper waits at its other end. The kernel closes the pipe after
`kill -9` as after a normal end, so both take the same path and it is tested daily. PR_SET_PDEATHSIG is not an
alternative: it exists on Linux only, is lost when a child changes its user as PostgreSQL must, and has no order.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from embedded.logs import open_log
from embedded.process import ProcessMark, mark_process

type Step = tuple[int, float]
"""A signal, and the seconds that a process has to end after it."""

DEFAULT_STOP_STEPS: tuple[Step, ...] = ((signal.SIGTERM, 6), (signal.SIGKILL, 2))


@dataclass(frozen=True)
class ReapedProcess:
    """A process that the reaper holds. Lower stages are stopped first."""

    pid: int
    started_at: str
    stage: int
    steps: tuple[Step, ...] = DEFAULT_STOP_STEPS

    def is_alive(self) -> bool:
        return ProcessMark(self.pid, self.started_at).is_alive()

    def line(self) -> str:
        return json.dumps(
            {"pid": self.pid, "started_at": self.started_at, "stage": self.stage, "steps": self.steps}
        )

    @classmethod
    def from_line(cls, line: str) -> Self:
        fields = json.loads(line)
        return cls(
            fields["pid"],
            fields["started_at"],
            fields["stage"],
            tuple((s, float(t)) for s, t in fields["steps"]),
        )

    def signal(self, number: int) -> None:
        """Signal the process. SIGKILL goes to its whole group if it leads one."""
        with suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


def stop_in_order(held: Iterable[ReapedProcess]) -> None:
    """Stop processes stage by stage, first with gentle signals. Returns when all have ended."""
    stages: dict[int, list[ReapedProcess]] = {}
    for process in held:
        stages.setdefault(process.stage, []).append(process)
    for _, together in sorted(stages.items()):
        _stop([process for process in together if process.is_alive()])


def _stop(together: list[ReapedProcess]) -> None:
    plans = {process: _plan(process) for process in together}
    while plans:
        plans = {process: plan for process, plan in plans.items() if next(plan, False)}
        time.sleep(0.02)
    for process in together:
        _sweep(process.pid)


def _plan(held: ReapedProcess) -> Iterator[bool]:
    """Send a process its signals in turn while it lives. Yields between checks."""
    for number, seconds in held.steps:
        if not held.is_alive():
            return
        held.signal(number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not held.is_alive():
                return
            yield True


def _sweep(group: int) -> None:
    """Kill the rest of a process group. Its number is not reused while a member is left."""
    with suppress(ProcessLookupError, PermissionError):
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)


class Reaper:
    """The supervisor's side. `release`, or the supervisor's death, stops all held processes."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.held: list[ReapedProcess] = []
        self._folders: list[Path] = []
        self._begin()

    def hold(self, pid: int, stage: int, steps: tuple[Step, ...] = DEFAULT_STOP_STEPS) -> None:
        """Hold a process: it ends with the supervisor."""
        marked = mark_process(pid)
        if marked is None:
            return
        # Drop children that have been replaced, so that the list does not grow with every restart.
        self.held = [process for process in self.held if process.is_alive()] + [
            ReapedProcess(pid, marked.started_at, stage, steps)
        ]
        self._write(self.held[-1].line())

    def remove_after(self, folder: Path) -> None:
        """Remove this folder after all processes have stopped."""
        self._folders.append(folder)
        self._write(json.dumps({"remove": str(folder)}))

    def tend(self) -> None:
        """Start a new reaper if it was killed."""
        if self._process.poll() is None:
            return
        os.close(self._pipe)
        self._begin()

    def release(self) -> None:
        """Have all processes stopped. `is_done` tells when."""
        os.close(self._pipe)

    def is_done(self) -> bool:
        """Return whether all processes have stopped."""
        if self._process.poll() is None:
            return False
        if self._process.returncode != 0:
            _stop_listed(self._format_lines())
        return True

    def _format_lines(self) -> list[str]:
        return [process.line() for process in self.held] + [
            json.dumps({"remove": str(process)}) for process in self._folders
        ]

    def _begin(self) -> None:
        # Our end is not inherited by children, so it closes when this process ends.
        other_end, self._pipe = os.pipe()
        # Written before the process starts, so that it knows everything even if the supervisor dies at once.
        for line in self._format_lines():
            self._write(line)
        with open_log(self.log) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "embedded.reaper"],
                stdin=other_end,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        os.close(other_end)

    def _write(self, line: str) -> None:
        # `tend` replaces a dead reaper and tells the new one everything.
        with suppress(BrokenPipeError):
            os.write(self._pipe, line.encode() + b"\n")


def _stop_listed(lines: Iterable[str]) -> None:
    messages = [line for line in lines if line.strip()]
    stop_in_order(ReapedProcess.from_line(line) for line in messages if "pid" in json.loads(line))
    for line in messages:
        if folder := json.loads(line).get("remove"):
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """The reaper's side: wait for the pipe to close, then stop the processes that it listed."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _stop_listed(sys.stdin.read().splitlines())


if __name__ == "__main__":
    main()
