"""`python -m embedded with -- COMMAND`: fresh services for one command, removed when it ends."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from embedded.child import ForegroundChild
from embedded.home import Home
from embedded.home_lock import SupervisorNote
from embedded.run import report_failure
from embedded.screen import Screen
from embedded.service import StartupError
from embedded.site import build_site_environment, create_embedded_services
from embedded.supervisor import Signals, StopRequestedError, Supervisor

FORWARD_SECONDS = 10


def run_with_services(
    command: Sequence[str], environ: Mapping[str, str], screen: Screen, signals: Signals
) -> int:
    """Run a command with its own services. Returns its exit code as a shell would."""
    home = Home.temporary()
    home.open()
    supervisor = Supervisor(home, SupervisorNote(os.getpid(), ""), screen, signals.get_stop_signal)
    supervisor.reaper.remove_after(home.folder)
    try:
        services = create_embedded_services(home, environ, throwaway=True)
        supervisor.start(*services)
        supervisor.wait_until_ready()
        env = build_site_environment(home, environ, services, "http://localhost:8000")
        return _wait_for_command(ForegroundChild(command, env, supervisor.reaper), supervisor, signals)
    except StopRequestedError:
        return 128 + (signals.last or signal.SIGTERM)
    except StartupError as failure:
        report_failure(failure, screen)
        return 1
    finally:
        supervisor.stop()


def _wait_for_command(child: ForegroundChild, supervisor: Supervisor, signals: Signals) -> int:
    """Wait for the command and forward signals to it."""
    while (code := child.poll()) is None:
        try:
            supervisor.tick(0.05)
        except StopRequestedError:
            return _stop_command(child, signals)
    return code if code >= 0 else 128 - code


def _stop_command(child: ForegroundChild, signals: Signals) -> int:
    asked = signals.last or signal.SIGTERM
    # Ctrl-C in the terminal has already reached the command, and a second one may mean something else to it.
    if not (asked == signal.SIGINT and _owns_terminal()):
        child.signal(asked)
    end = time.monotonic() + FORWARD_SECONDS
    while (code := child.poll()) is None and time.monotonic() < end:
        time.sleep(0.05)
    if code is None:
        child.signal(signal.SIGKILL)
        return 128 + signal.SIGKILL
    return code if code >= 0 else 128 - code


def _owns_terminal() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
