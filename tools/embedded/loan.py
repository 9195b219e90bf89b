"""`python -m embedded with -- COMMAND`: the parts for one command, fresh, and gone when it ends."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from embedded.child import ForegroundChild
from embedded.claim import SupervisorNote
from embedded.home import Home
from embedded.part import StartupError
from embedded.run import report_failure
from embedded.screen import Screen
from embedded.site import build_site_environment, create_embedded_parts
from embedded.supervisor import Signals, StopRequestedError, Supervisor

FORWARD_SECONDS = 10


def run_with_services(
    command: Sequence[str], environ: Mapping[str, str], screen: Screen, signals: Signals
) -> int:
    """Run a command on parts of its own; returns its exit code as a shell would."""
    home = Home.temporary()
    home.open()
    supervisor = Supervisor(home, SupervisorNote(os.getpid(), ""), screen, signals.asked)
    supervisor.leash.remove_after(home.folder)
    try:
        parts = create_embedded_parts(home, environ, throwaway=True)
        supervisor.start(*parts)
        supervisor.wait_until_ready()
        env = build_site_environment(home, environ, parts, "http://localhost:8000")
        return _wait_for_command(ForegroundChild(command, env, supervisor.leash), supervisor, signals)
    except StopRequestedError:
        return 128 + (signals.last or signal.SIGTERM)
    except StartupError as failure:
        report_failure(failure, screen)
        return 1
    finally:
        supervisor.stop()


def _wait_for_command(child: ForegroundChild, supervisor: Supervisor, signals: Signals) -> int:
    """Wait for the command, and hand on what we are told."""
    while (code := child.poll()) is None:
        try:
            supervisor.tick(0.05)
        except StopRequestedError:
            return _stop_command(child, signals)
    return code if code >= 0 else 128 - code


def _stop_command(child: ForegroundChild, signals: Signals) -> int:
    asked = signals.last or signal.SIGTERM
    # A Ctrl-C in the terminal has reached the command already, and two may mean more to it than one.
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
