"""`make run`: the whole site on this machine, in one terminal."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.claim import HomeLock, SupervisorNote
from embedded.home import Home
from embedded.logs import read_last_lines
from embedded.model import Model
from embedded.part import StartupError
from embedded.ports import MAX_PORT, MIN_UNPRIVILEGED_PORT, find_outer_port, find_port_problem
from embedded.screen import Screen
from embedded.site import Site, build_site_environment, create_embedded_parts, list_external_parts
from embedded.supervisor import Signals, StopRequestedError, Supervisor

PORT = 8000
TICK_SECONDS = 0.2
"""Seconds between two looks at everything, once all is well."""


@dataclass(frozen=True)
class Run:
    """One run of the site of `checkout`, with its data in `home`."""

    home: Home
    checkout: Path
    environ: Mapping[str, str]
    screen: Screen
    signals: Signals

    def go(self) -> int:
        """Run until somebody asks to stop. The exit code is for the shell."""
        claim = HomeLock(self.home)
        if not claim.take():
            self._tell_where_the_first_is()
            return 0
        try:
            return self._supervise(_port(self.environ, self.screen))
        except StartupError as failure:
            report_failure(failure, self.screen)
            return 1
        finally:
            claim.release()

    def _supervise(self, port: int) -> int:
        note = SupervisorNote(os.getpid(), f"http://localhost:{port}")
        supervisor = Supervisor(self.home, note, self.screen, self.signals.asked)
        try:
            began = time.monotonic()
            site = self._start(supervisor, port, note.address)
            self._show_the_way(site, note.address, time.monotonic() - began)
            while True:
                supervisor.tick(TICK_SECONDS)
        except StopRequestedError:
            self.screen.say("\nStopping …")
            return 0
        except StartupError as failure:
            report_failure(failure, self.screen)
            return 1
        finally:
            supervisor.stop()
            self.screen.say(f"Stopped. Nothing runs any more; the data stays in {self.home.folder}")

    def _start(self, supervisor: Supervisor, port: int, address: str) -> Site:
        self.screen.title("Kitchen Table is starting")
        parts = create_embedded_parts(self.home, self.environ)
        env = build_site_environment(self.home, self.environ, parts, address)
        site = Site(self.checkout, self.home, port, env)
        supervisor.start(*parts)
        # The model may take its time meanwhile.
        supervisor.wait_until_ready(*(part for part in parts if not isinstance(part, Model)))
        supervisor.run("Tables", site.migrate())
        supervisor.start(*site.parts())
        supervisor.run("Demo family", site.load_demo())
        supervisor.wait_until_ready()
        return site

    def _show_the_way(self, site: Site, address: str, seconds: float) -> None:
        say = self.screen.say
        say()
        self.screen.title(f"Kitchen Table is ready: {address}")
        say(f"Started in {seconds:.1f} s, on this machine and for this machine alone.\n")
        _table(say, [["Sign in with", "password", "as"], *site.accounts()])
        say()
        for name, where in list_external_parts(self.environ):
            say(f"{name:<17}runs elsewhere: {where}")
        for name, word in site.health().items():
            if word != "ok":
                self.screen.trouble(f"The site does not reach its {name}: {word}")
        say(f"Data             {self.home.folder}   (stays; `make reset` deletes it)")
        say(f"Logs             {self.home.logs}")
        say("Stop             Ctrl-C\n")

    def _tell_where_the_first_is(self) -> None:
        note = SupervisorNote.read(self.home)
        if note is None:
            self.screen.say(f"Kitchen Table is being started or deleted already, in {self.home.folder}")
            return
        self.screen.say(f"Kitchen Table runs already: {note.address} (process {note.pid})")
        self.screen.say(f"Ctrl-C in its terminal stops it, or: kill {note.pid}")


def _table(say: Callable[[str], None], rows: list[list[str]]) -> None:
    widths = [max(len(word) for word in column) for column in zip(*rows, strict=True)]
    for row in rows:
        say("   ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def report_failure(failure: StartupError, screen: Screen) -> None:
    """Say why the site cannot run, with the last words of the log that knows more."""
    if failure.log is None:
        screen.trouble(str(failure))
    else:
        screen.trouble(f"{failure} Its log: {failure.log}", read_last_lines(failure.log, 12))


def _port(environ: Mapping[str, str], screen: Screen) -> int:
    said = environ.get("PORT") or str(PORT)
    if not said.isdecimal() or not 0 < int(said) <= MAX_PORT:
        raise StartupError(f"PORT is “{said}”, and should be a number from 1 to {MAX_PORT}.")
    wanted = int(said)
    trouble = find_port_problem(wanted)
    if trouble is None:
        return wanted
    port = find_outer_port(wanted if wanted >= MIN_UNPRIVILEGED_PORT else PORT)
    screen.say(f"Port {wanted} {trouble}, so this is port {port}. Another may be chosen: make run PORT=…")
    return port
