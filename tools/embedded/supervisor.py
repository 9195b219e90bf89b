"""The supervisor: starts children, waits until they answer, restarts them when they die, and stops them."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from embedded.child import Child, Launch
from embedded.home import Home
from embedded.home_lock import SupervisorNote
from embedded.logs import read_last_lines, rotate_logs
from embedded.reaper import Reaper
from embedded.screen import Screen
from embedded.service import Service, StartupError

START_TIMEOUT_SECONDS = 90
# After this many deaths within this time, give up on a child.
DEATHS, SECONDS = 5, 60
BACKOFF = (0.1, 0.5, 1, 3)


class StopRequestedError(Exception):
    """A signal to stop was received. Raised to leave any wait; not an error."""


class Signals:
    """Records signals, which the supervisor handles on its next tick."""

    def __init__(self, parent: int | None = None) -> None:
        self.last: int | None = None
        self._parent = parent
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Started by `nohup`, which ignores SIGHUP on purpose.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.last = number

    def get_stop_signal(self) -> int | None:
        """Return the signal to stop, or None. The death of the parent process counts as SIGHUP."""
        if self.last is None and self._parent is not None and os.getppid() != self._parent:
            self.last = signal.SIGHUP
        return self.last


@dataclass
class RunningService:
    """A service with its current child process."""

    service: Service
    child: Child
    started_at: float
    is_ready: bool = False
    restart_at: float | None = None
    """When to restart it, while it is down."""
    death_times: list[float] = field(default_factory=list)


class Supervisor:
    """Keeps the services of one home running. However it ends, its reaper stops every child."""

    def __init__(self, home: Home, note: SupervisorNote, screen: Screen, stop: Callable[[], object]) -> None:
        self.home = home
        self._note = note
        self._screen = screen
        self._stop = stop
        rotate_logs(home.logs)
        self.reaper = Reaper(home.log("reaper"))
        self._running: list[RunningService] = []
        self._children: list[Child] = []

    def start(self, *services: Service) -> None:
        """Start services in parallel; run the preparation of one while the others start."""
        for service in services:
            if (first := service.build_preparation()) is not None:
                self.run(f"{service.name}, first time", first)
            self._running.append(
                RunningService(service, self._spawn(service.build_launch()), time.monotonic())
            )

    def run(self, name: str, launch: Launch) -> None:
        """Run a process to its end. Raises StartupError if it fails."""
        since = time.monotonic()
        child = self._spawn(launch)
        while (code := child.poll()) is None:
            self._screen.waiting([name], since)
            self.tick(0.05)
        if code != 0:
            raise StartupError(f"“{name}” failed.", launch.log)
        self._screen.step(name, time.monotonic() - since)

    def wait_until_ready(self, *only: Service) -> None:
        """Return when these services answer; all of them if none are given. Raises StartupError."""
        since = time.monotonic()
        waited = [running for running in self._running if not only or running.service in only]
        while late := [running for running in waited if not running.is_ready]:
            if time.monotonic() - since > START_TIMEOUT_SECONDS:
                raise StartupError(f"{late[0].service.name} does not answer.", late[0].child.launch.log)
            self._screen.waiting([running.service.name for running in late], since)
            self.tick(0.05)

    def tick(self, pause: float) -> None:
        """Check everything once. Raises StopRequestedError when it is time to stop."""
        if self._stop():
            raise StopRequestedError
        self.reaper.tend()
        for running in self._running:
            self._check(running)
        time.sleep(pause)

    def stop(self) -> None:
        """Stop every child in order. Returns when all have ended. Must be the last call."""
        self.reaper.release()
        while not self.reaper.is_done():
            for child in self._children:
                child.poll()
            time.sleep(0.02)
        for child in self._children:
            child.poll()

    def _spawn(self, launch: Launch) -> Child:
        child = Child(launch, self.reaper)
        self._children = [child for child in self._children if child.poll() is None] + [child]
        self._note.children = [held.line() for held in self.reaper.held]
        self._note.write(self.home)
        return child

    def _check(self, running: RunningService) -> None:
        now = time.monotonic()
        if running.restart_at is not None:
            if now >= running.restart_at:
                running.restart_at, running.started_at, running.child = (
                    None,
                    now,
                    self._spawn(running.service.build_launch()),
                )
        elif (code := running.child.poll()) is not None:
            self._handle_exit(running, code)
        elif not running.is_ready and running.service.is_ready():
            running.is_ready = True
            self._screen.step(
                running.service.name + (", again" if running.death_times else ""), now - running.started_at
            )

    def _handle_exit(self, running: RunningService, code: int) -> None:
        now = time.monotonic()
        running.death_times = [moment for moment in running.death_times if now - moment < SECONDS] + [now]
        running.is_ready = False
        log = running.child.launch.log
        if len(running.death_times) >= DEATHS:
            raise StartupError(f"{running.service.name} stopped {DEATHS} times within a minute.", log)
        running.restart_at = now + BACKOFF[len(running.death_times) - 1]
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        # Show the log only for repeated deaths.
        lines = read_last_lines(log) if len(running.death_times) > 1 else []
        self._screen.show_problem(
            f"{running.service.name} ended {how} and is being restarted. Its log: {log}", lines
        )
