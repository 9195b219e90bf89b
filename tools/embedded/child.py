"""Child processes, held by the reaper from before their first instruction."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embedded.home import Owner
from embedded.logs import open_log
from embedded.reaper import DEFAULT_STOP_STEPS, Reaper, Step

SITE, PARTS = 1, 2
"""The stages of stopping: the site is stopped before the services that it uses."""

# The program waits at this gate until the reaper holds it. If the supervisor dies in between, the gate's input ends
# and the program is never started.
START_GATE = 'read -r go && exec "$@"'
START_GATE_WITH_STDIN = (
    "import os, sys; os.read(int(sys.argv[1]), 1) and os.execvp(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True)
class Launch:
    """How to start and stop a process."""

    argv: Sequence[str | Path]
    env: Mapping[str, str]
    log: Path
    cwd: Path = Path("/")
    feed: str = ""
    """Its standard input. Secrets go here, because command lines are visible to all users."""
    owner: Owner | None = None
    stage: int = PARTS
    steps: tuple[Step, ...] = DEFAULT_STOP_STEPS


class Child:
    """A process in its own session, so that Ctrl-C in the terminal reaches only the supervisor."""

    def __init__(self, launch: Launch, reaper: Reaper) -> None:
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
        reaper.hold(self.pid, launch.stage, launch.steps)
        with os.fdopen(ours, "wb") as pipe, suppress(BrokenPipeError):
            pipe.write(b"go\n" + launch.feed.encode())

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()


class ForegroundChild:
    """A command in the foreground, with our standard streams and process group."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], reaper: Reaper) -> None:
        gate, ours = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", START_GATE_WITH_STDIN, str(gate), *argv],
            env=env,
            pass_fds=[gate],
        )
        os.close(gate)
        self.pid = self._process.pid
        reaper.hold(self.pid, SITE)
        os.write(ours, b"g")
        os.close(ours)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)
