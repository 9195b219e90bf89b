"""The supervisor: starts children, waits until they answer, starts them again when they die, stops them."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from embedded.child import Child, Launch
from embedded.claim import SupervisorNote
from embedded.home import Home
from embedded.leash import Reaper
from embedded.logs import read_last_lines, rotate_logs
from embedded.part import Part, StartupError
from embedded.screen import Screen

START_TIMEOUT_SECONDS = 90
# A child that dies this often within this time will not come back by itself.
DEATHS, SECONDS = 5, 60
BACKOFF = (0.1, 0.5, 1, 3)


class StopRequestedError(Exception):
    """Somebody asked to stop. Not an error: the way out of whatever is going on."""


class Signals:
    """What the system asks of us: noted here, and answered in the supervisor's own time."""

    def __init__(self, parent: int | None = None) -> None:
        self.last: int | None = None
        self._parent = parent
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` lets us start with the hang-up ignored, and means it.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.last = number

    def asked(self) -> int | None:
        """The signal to stop by, if any. The death of the parent that we serve counts as a hang-up."""
        if self.last is None and self._parent is not None and os.getppid() != self._parent:
            self.last = signal.SIGHUP
        return self.last


@dataclass
class RunningPart:
    """A part and the child that plays it, from one restart to the next."""

    part: Part
    child: Child
    since: float
    ready: bool = False
    due: float | None = None
    """When it is started again, while it is down."""
    deaths: list[float] = field(default_factory=list)


class Supervisor:
    """Keeps the parts of one home running. Whatever ends it, its leash stops every child."""

    def __init__(self, home: Home, note: SupervisorNote, screen: Screen, stop: Callable[[], object]) -> None:
        self.home = home
        self._note = note
        self._screen = screen
        self._stop = stop
        rotate_logs(home.logs)
        self.leash = Reaper(home.log("leash"))
        self._lives: list[RunningPart] = []
        self._children: list[Child] = []

    def start(self, *parts: Part) -> None:
        """Start parts beside each other; one with work to do first gets that done while the others start."""
        for part in parts:
            if (first := part.preparation()) is not None:
                self.run(f"{part.name}, first time", first)
            self._lives.append(RunningPart(part, self._spawn(part.launch()), time.monotonic()))

    def run(self, name: str, launch: Launch) -> None:
        """Run a process to its end, which must be a good one."""
        since = time.monotonic()
        child = self._spawn(launch)
        while (code := child.poll()) is None:
            self._screen.waiting([name], since)
            self.tick(0.05)
        if code != 0:
            raise StartupError(f"“{name}” did not succeed.", launch.log)
        self._screen.step(name, time.monotonic() - since)

    def wait_until_ready(self, *only: Part) -> None:
        """Return when these parts answer, or every part where none is named."""
        since = time.monotonic()
        waited = [life for life in self._lives if not only or life.part in only]
        while late := [life for life in waited if not life.ready]:
            if time.monotonic() - since > START_TIMEOUT_SECONDS:
                raise StartupError(f"{late[0].part.name} does not answer.", late[0].child.launch.log)
            self._screen.waiting([life.part.name for life in late], since)
            self.tick(0.05)

    def tick(self, pause: float) -> None:
        """One look at everything. Raises StopAskedError when it is time to stop."""
        if self._stop():
            raise StopRequestedError
        self.leash.tend()
        for life in self._lives:
            self._look_after(life)
        time.sleep(pause)

    def stop(self) -> None:
        """Stop every child, in order; returns when none is left. May not be followed by anything else."""
        self.leash.release()
        while not self.leash.done():
            for child in self._children:
                child.poll()
            time.sleep(0.02)
        for child in self._children:
            child.poll()

    def _spawn(self, launch: Launch) -> Child:
        child = Child(launch, self.leash)
        self._children = [one for one in self._children if one.poll() is None] + [child]
        self._note.children = [held.line() for held in self.leash.held]
        self._note.write(self.home)
        return child

    def _look_after(self, life: RunningPart) -> None:
        now = time.monotonic()
        if life.due is not None:
            if now >= life.due:
                life.due, life.since, life.child = None, now, self._spawn(life.part.launch())
        elif (code := life.child.poll()) is not None:
            self._mourn(life, code)
        elif not life.ready and life.part.ready():
            life.ready = True
            self._screen.step(life.part.name + (", again" if life.deaths else ""), now - life.since)

    def _mourn(self, life: RunningPart, code: int) -> None:
        now = time.monotonic()
        life.deaths = [moment for moment in life.deaths if now - moment < SECONDS] + [now]
        life.ready = False
        log = life.child.launch.log
        if len(life.deaths) >= DEATHS:
            raise StartupError(f"{life.part.name} stopped {DEATHS} times within a minute.", log)
        life.due = now + BACKOFF[len(life.deaths) - 1]
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        # The first death is only told; one that comes again is worth reading about.
        lines = read_last_lines(log) if len(life.deaths) > 1 else []
        self._screen.trouble(f"{life.part.name} ended {how} and is started again. Its log: {log}", lines)
