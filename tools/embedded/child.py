"""A child: one process of ours, on the leash from before its first instruction."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embedded.home import Owner
from embedded.leash import DEFAULT_STOP_STEPS, Reaper, Step
from embedded.logs import open_log

SITE, PARTS = 1, 2
"""The stages of stopping: what uses the parts goes before them."""

# The program waits at this gate until the leash holds it. Should the supervisor die in between, the gate's
# input ends and the program is never started.
START_GATE = 'read -r go && exec "$@"'
START_GATE_WITH_STDIN = (
    "import os, sys; os.read(int(sys.argv[1]), 1) and os.execvp(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True)
class Launch:
    """How a process is started and stopped."""

    argv: Sequence[str | Path]
    env: Mapping[str, str]
    log: Path
    cwd: Path = Path("/")
    feed: str = ""
    """What it reads from its standard input. Secrets go here: anyone on the machine sees command lines."""
    owner: Owner | None = None
    stage: int = PARTS
    steps: tuple[Step, ...] = DEFAULT_STOP_STEPS


class Child:
    """A process in a session of its own, so a Ctrl-C in the terminal reaches the supervisor alone."""

    def __init__(self, launch: Launch, leash: Reaper) -> None:
        self.launch = launch
        gate, ours = os.pipe()
        with open_log(launch.log) as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", START_GATE, "sh", *launch.argv],
                stdin=gate,
                stdout=log,
                stderr=log,
                cwd=launch.cwd,
                env=launch.env,
                start_new_session=True,
                user=launch.owner.uid if launch.owner else None,
                group=launch.owner.gid if launch.owner else None,
                extra_groups=[] if launch.owner else None,
            )
        os.close(gate)
        self.pid = self._process.pid
        leash.hold(self.pid, launch.stage, launch.steps)
        with os.fdopen(ours, "wb") as pipe, suppress(BrokenPipeError):
            pipe.write(b"go\n" + launch.feed.encode())

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()


class ForegroundChild:
    """A command that has the terminal: our own standard streams and our own process group."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], leash: Reaper) -> None:
        gate, ours = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", START_GATE_WITH_STDIN, str(gate), *argv],
            env=env,
            pass_fds=[gate],
        )
        os.close(gate)
        self.pid = self._process.pid
        leash.hold(self.pid, SITE)
        os.write(ours, b"g")
        os.close(ours)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)
