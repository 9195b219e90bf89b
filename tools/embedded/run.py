"""`make run`: the whole site on this machine, in one terminal."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.claim import Claim, Note
from embedded.home import Home
from embedded.logs import last_lines
from embedded.model import Model
from embedded.part import FailedError
from embedded.ports import FIRST_UNPRIVILEGED, LAST, outer_port, trouble_with
from embedded.screen import Screen
from embedded.site import Site, embedded_parts, outside_parts, site_environment
from embedded.supervisor import Signals, StopAskedError, Supervisor

PORT = 8000
REST = 0.2
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
        claim = Claim(self.home)
        if not claim.take():
            self._tell_where_the_first_is()
            return 0
        try:
            return self._supervise(_port(self.environ, self.screen))
        except FailedError as failure:
            tell_of(failure, self.screen)
            return 1
        finally:
            claim.release()

    def _supervise(self, port: int) -> int:
        note = Note(os.getpid(), f"http://localhost:{port}")
        supervisor = Supervisor(self.home, note, self.screen, self.signals.asked)
        try:
            began = time.monotonic()
            site = self._start(supervisor, port, note.address)
            self._show_the_way(site, note.address, time.monotonic() - began)
            while True:
                supervisor.tick(REST)
        except StopAskedError:
            self.screen.say("\nStopping …")
            return 0
        except FailedError as failure:
            tell_of(failure, self.screen)
            return 1
        finally:
            supervisor.stop()
            self.screen.say(f"Stopped. Nothing runs any more; the data stays in {self.home.folder}")

    def _start(self, supervisor: Supervisor, port: int, address: str) -> Site:
        self.screen.title("Kitchen Table is starting")
        parts = embedded_parts(self.home, self.environ)
        env = site_environment(self.home, self.environ, parts, address)
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
        for name, where in outside_parts(self.environ):
            say(f"{name:<17}runs elsewhere: {where}")
        for name, word in site.health().items():
            if word != "ok":
                self.screen.trouble(f"The site does not reach its {name}: {word}")
        say(f"Data             {self.home.folder}   (stays; `make reset` deletes it)")
        say(f"Logs             {self.home.logs}")
        say("Stop             Ctrl-C\n")

    def _tell_where_the_first_is(self) -> None:
        note = Note.read(self.home)
        if note is None:
            self.screen.say(f"Kitchen Table is being started or deleted already, in {self.home.folder}")
            return
        self.screen.say(f"Kitchen Table runs already: {note.address} (process {note.pid})")
        self.screen.say(f"Ctrl-C in its terminal stops it, or: kill {note.pid}")


def _table(say: Callable[[str], None], rows: list[list[str]]) -> None:
    widths = [max(len(word) for word in column) for column in zip(*rows, strict=True)]
    for row in rows:
        say("   ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def tell_of(failure: FailedError, screen: Screen) -> None:
    """Say why the site cannot run, with the last words of the log that knows more."""
    if failure.log is None:
        screen.trouble(str(failure))
    else:
        screen.trouble(f"{failure} Its log: {failure.log}", last_lines(failure.log, 12))


def _port(environ: Mapping[str, str], screen: Screen) -> int:
    said = environ.get("PORT") or str(PORT)
    if not said.isdecimal() or not 0 < int(said) <= LAST:
        raise FailedError(f"PORT is “{said}”, and should be a number from 1 to {LAST}.")
    wanted = int(said)
    trouble = trouble_with(wanted)
    if trouble is None:
        return wanted
    port = outer_port(wanted if wanted >= FIRST_UNPRIVILEGED else PORT)
    screen.say(f"Port {wanted} {trouble}, so this is port {port}. Another may be chosen: make run PORT=…")
    return port
