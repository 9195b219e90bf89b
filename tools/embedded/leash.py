"""The leash: one small process that stops every child when the supervisor is gone, however it went.

The supervisor holds one end of a pipe and writes each child's mark into it; the leash holds the other end and
waits. The kernel closes the pipe at `kill -9` as at an orderly end, so both take the same way, and the way
that matters most is walked every day. Asking the kernel to signal the children instead (PR_SET_PDEATHSIG) is
for Linux alone, is lost when a child changes its user as PostgreSQL's must, and knows no order.
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
"""A signal, and the seconds that a process has to follow it."""

DEFAULT_STOP_STEPS: tuple[Step, ...] = ((signal.SIGTERM, 6), (signal.SIGKILL, 2))


@dataclass(frozen=True)
class ReapedProcess:
    """A process on the leash. Lower stages are stopped first."""

    pid: int
    born: str
    stage: int
    steps: tuple[Step, ...] = DEFAULT_STOP_STEPS

    def lives(self) -> bool:
        return ProcessMark(self.pid, self.born).lives()

    def line(self) -> str:
        return json.dumps({"pid": self.pid, "born": self.born, "stage": self.stage, "steps": self.steps})

    @classmethod
    def of(cls, line: str) -> Self:
        said = json.loads(line)
        return cls(said["pid"], said["born"], said["stage"], tuple((s, float(t)) for s, t in said["steps"]))

    def signal(self, number: int) -> None:
        """Signal the process; killing takes its whole group along where it leads one."""
        with suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


def stop_in_order(held: Iterable[ReapedProcess]) -> None:
    """Stop processes stage by stage, each politely first; returns when none of them lives."""
    stages: dict[int, list[ReapedProcess]] = {}
    for one in held:
        stages.setdefault(one.stage, []).append(one)
    for _, together in sorted(stages.items()):
        _stop([one for one in together if one.lives()])


def _stop(together: list[ReapedProcess]) -> None:
    plans = {one: _plan(one) for one in together}
    while plans:
        plans = {one: plan for one, plan in plans.items() if next(plan, False)}
        time.sleep(0.02)
    for one in together:
        _sweep(one.pid)


def _plan(held: ReapedProcess) -> Iterator[bool]:
    """Go through a process's signals, one look at each turn, for as long as it lives."""
    for number, seconds in held.steps:
        if not held.lives():
            return
        held.signal(number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not held.lives():
                return
            yield True


def _sweep(group: int) -> None:
    """Kill what a leader has left of its group. The group's number is its own while any member is left."""
    with suppress(ProcessLookupError, PermissionError):
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)


class Reaper:
    """The supervisor's end. Letting go of it, by `release` or by death, stops all that it holds."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.held: list[ReapedProcess] = []
        self._folders: list[Path] = []
        self._begin()

    def hold(self, pid: int, stage: int, steps: tuple[Step, ...] = DEFAULT_STOP_STEPS) -> None:
        """From now on this process ends with the supervisor."""
        found = mark_process(pid)
        if found is None:
            return
        # Children that have been replaced are left out, so the list does not grow with every restart.
        self.held = [one for one in self.held if one.lives()] + [ReapedProcess(pid, found.born, stage, steps)]
        self._write(self.held[-1].line())

    def remove_after(self, folder: Path) -> None:
        """Remove a folder when all is stopped."""
        self._folders.append(folder)
        self._write(json.dumps({"remove": str(folder)}))

    def tend(self) -> None:
        """Put another process in the place of one that was killed."""
        if self._process.poll() is None:
            return
        os.close(self._pipe)
        self._begin()

    def release(self) -> None:
        """Let go. The work is done when `done` says so."""
        os.close(self._pipe)

    def done(self) -> bool:
        """Whether all is stopped."""
        if self._process.poll() is None:
            return False
        if self._process.returncode != 0:
            _let_go(self._lines())
        return True

    def _lines(self) -> list[str]:
        return [one.line() for one in self.held] + [json.dumps({"remove": str(one)}) for one in self._folders]

    def _begin(self) -> None:
        # The end that stays here is not inherited by any child, so it closes when this process is gone.
        other_end, self._pipe = os.pipe()
        # Before the process is there: should the supervisor die at once, the leash knows all from its first moment.
        for line in self._lines():
            self._write(line)
        with open_log(self.log) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "embedded.leash"],
                stdin=other_end,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        os.close(other_end)

    def _write(self, line: str) -> None:
        # A leash that has just died is found by `tend`, which tells its successor everything.
        with suppress(BrokenPipeError):
            os.write(self._pipe, line.encode() + b"\n")


def _let_go(lines: Iterable[str]) -> None:
    messages = [line for line in lines if line.strip()]
    stop_in_order(ReapedProcess.of(line) for line in messages if "pid" in json.loads(line))
    for line in messages:
        if folder := json.loads(line).get("remove"):
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """The other end: wait for the pipe to close, then stop what it told of."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _let_go(sys.stdin.read().splitlines())


if __name__ == "__main__":
    main()
