"""`make run`: the whole site in one terminal."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded.home import Home
from embedded.home_lock import HomeLock, SupervisorNote
from embedded.logs import read_last_lines
from embedded.model import Model
from embedded.ports import MAX_PORT, MIN_UNPRIVILEGED_PORT, find_port_problem, find_public_port
from embedded.screen import Screen
from embedded.service import StartupError
from embedded.site import Site, build_site_environment, create_embedded_services, list_external_services
from embedded.supervisor import Signals, StopRequestedError, Supervisor

PORT = 8000
TICK_SECONDS = 0.2
"""Seconds between checks while everything runs."""


@dataclass(frozen=True)
class Run:
    """One run of the site in `checkout`, with its data in `home`."""

    home: Home
    checkout: Path
    environ: Mapping[str, str]
    screen: Screen
    signals: Signals

    def execute(self) -> int:
        """Run until a signal to stop. Returns the exit code."""
        lock = HomeLock(self.home)
        if not lock.acquire():
            self._report_running_instance()
            return 0
        try:
            return self._supervise(_choose_port(self.environ, self.screen))
        except StartupError as failure:
            report_failure(failure, self.screen)
            return 1
        finally:
            lock.release()

    def _supervise(self, port: int) -> int:
        note = SupervisorNote(os.getpid(), f"http://localhost:{port}")
        supervisor = Supervisor(self.home, note, self.screen, self.signals.get_stop_signal)
        try:
            began = time.monotonic()
            site = self._start(supervisor, port, note.address)
            self._show_addresses(site, note.address, time.monotonic() - began)
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
            self.screen.say(f"Stopped. Your data is kept in {self.home.folder}")

    def _start(self, supervisor: Supervisor, port: int, address: str) -> Site:
        self.screen.show_title("Kitchen Table is starting")
        services = create_embedded_services(self.home, self.environ)
        env = build_site_environment(self.home, self.environ, services, address)
        site = Site(self.checkout, self.home, port, env)
        supervisor.start(*services)
        # The model loads in the meantime.
        supervisor.wait_until_ready(*(service for service in services if not isinstance(service, Model)))
        supervisor.run("Tables", site.migrate())
        supervisor.start(*site.services())
        supervisor.run("Demo family", site.load_demo())
        supervisor.wait_until_ready()
        return site

    def _show_addresses(self, site: Site, address: str, seconds: float) -> None:
        say = self.screen.say
        say()
        self.screen.show_title(f"Kitchen Table is ready: {address}")
        say(f"Started in {seconds:.1f} s. Only this machine can reach it.\n")
        _print_table(say, [["Sign in with", "password", "as"], *site.accounts()])
        say()
        for name, where in list_external_services(self.environ):
            say(f"{name:<17}external: {where}")
        for name, word in site.health().items():
            if word != "ok":
                self.screen.show_problem(f"The site cannot reach its {name}: {word}")
        say(f"Data             {self.home.folder}   (kept; `make reset` deletes it)")
        say(f"Logs             {self.home.logs}")
        say("Stop             Ctrl-C\n")

    def _report_running_instance(self) -> None:
        note = SupervisorNote.read(self.home)
        if note is None:
            self.screen.say(f"Kitchen Table is already being started or deleted in {self.home.folder}")
            return
        self.screen.say(f"Kitchen Table is already running: {note.address} (process {note.pid})")
        self.screen.say(f"To stop it, press Ctrl-C in its terminal or run: kill {note.pid}")


def _print_table(say: Callable[[str], None], rows: list[list[str]]) -> None:
    widths = [max(len(word) for word in column) for column in zip(*rows, strict=True)]
    for row in rows:
        say("   ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def report_failure(failure: StartupError, screen: Screen) -> None:
    """Show why the site cannot run, with the end of the log."""
    if failure.log is None:
        screen.show_problem(str(failure))
    else:
        screen.show_problem(f"{failure} Its log: {failure.log}", read_last_lines(failure.log, 12))


def _choose_port(environ: Mapping[str, str], screen: Screen) -> int:
    port_text = environ.get("PORT") or str(PORT)
    if not port_text.isdecimal() or not 0 < int(port_text) <= MAX_PORT:
        raise StartupError(f"PORT is “{port_text}”, but must be a number from 1 to {MAX_PORT}.")
    wanted = int(port_text)
    problem = find_port_problem(wanted)
    if problem is None:
        return wanted
    port = find_public_port(wanted if wanted >= MIN_UNPRIVILEGED_PORT else PORT)
    screen.say(f"Port {wanted} {problem}, so the site uses port {port}. To choose another: make run PORT=…")
    return port
