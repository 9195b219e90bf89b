"""Whichever process dies, and however: nothing is left behind, and the rest keeps running if it can."""

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from embedded.home import Home
from embedded.home_lock import HomeLock, SupervisorNote
from embedded.ports import find_internal_port
from embedded.reaper import Reaper
from tests.embedded.conftest import SUPERVISOR, Running, assert_gone, clean_environment, eventually

type Run = Callable[..., Running]
pytestmark = pytest.mark.faults


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_the_supervisor(run: Run, number: int) -> None:
    assert run().ready().end(number) == (-number if number == signal.SIGKILL else 0)


@pytest.mark.parametrize("step", ["starting", "Tutor model", "Tables"])
def test_nothing_outlives_a_supervisor_killed_while_starting(first_run: Run, step: str) -> None:
    site = first_run()
    site.wait_for(step)
    site.end(signal.SIGKILL)


def test_a_run_after_kill_9_finds_its_way(run: Run) -> None:
    first = run().ready()
    first.process.kill()
    first.process.wait()
    # The reaper may still be stopping processes. The next run waits for it.
    second = run().ready()
    assert "again" not in second.printed
    assert second.end(signal.SIGTERM) == 0


def test_killed_services_are_restarted(run: Run) -> None:
    site = run().ready()
    words = {
        "Database": "-D",
        "Queue": "127.0.0.1:"
        + site.child("uvicorn").environ()["VALKEY_URL"].rpartition(":")[2].partition("/")[0],
        "Tutor model": "embedded.model_server",
        "Website": "uvicorn",
        "Worker": "worker",
        "Clock": "beat",
    }
    killed = [site.child(word) for word in words.values()]
    for child in killed:
        child.kill()
    for name in words:
        site.wait_for(f"{name}, again")
        assert f"{name} ended by SIGKILL" in site.printed
    assert b"ok" in site.read_page("/readyz")
    assert not set(killed) & set(site.list_processes())


def test_a_service_that_keeps_failing_is_given_up_with_its_last_output(run: Run, checkout: Path) -> None:
    (checkout / "config" / "asgi.py").write_text("raise RuntimeError('the kettle is empty')\n")
    site = run()
    site.wait_for("Kitchen Table is starting")
    processes = site.list_processes()
    assert site.process.wait(timeout=60) == 1
    assert "Website stopped 5 times within a minute" in site.printed
    assert "the kettle is empty" in site.printed
    assert "web.log" in site.printed
    assert_gone(processes)


def test_a_failed_step_is_reported_with_its_log(run: Run, checkout: Path) -> None:
    (checkout / "manage.py").write_text("raise SystemExit('no table fits through this door')\n")
    site = run()
    assert site.process.wait(timeout=60) == 1
    assert "“Tables” failed" in site.printed
    assert "no table fits through this door" in site.printed


def test_the_reaper_is_replaced_when_it_is_killed(run: Run) -> None:
    site = run().ready()
    old = site.child("embedded.reaper")
    old.kill()
    eventually(lambda: [pid for pid, words in site.children() if "embedded.reaper" in words and pid != old])
    site.end(signal.SIGKILL)


def test_a_closed_terminal_ends_everything(home: Home, checkout: Path) -> None:
    # Not `pty.fork`: this process has threads (JAX, for one), and a bare fork copies locks that they hold.
    terminal, inside = pty.openpty()
    words = ["--home", str(home.folder), "--checkout", str(checkout), "run"]
    with subprocess.Popen(
        ["setsid", "--ctty", *SUPERVISOR, *words],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=clean_environment() | {"PORT": str(find_internal_port())},
    ) as top:
        os.close(inside)
        output = b""
        while b"Stop  " not in output:
            output += os.read(terminal, 4096)
        processes = psutil.Process(top.pid).children(recursive=True)
        os.close(terminal)
        assert top.wait() == 0
    assert_gone(processes)


def test_the_death_of_make_ends_everything(home: Home, checkout: Path, tmp_path: Path) -> None:
    words = ["--home", str(home.folder), "--checkout", str(checkout), "run"]
    with (tmp_path / "output").open("w") as output:
        make = subprocess.Popen(
            ["sh", "-c", '"$@" --parent $$ ' + " ".join(words) + " & wait", "sh", *SUPERVISOR],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=clean_environment() | {"PORT": str(find_internal_port())},
            start_new_session=True,
        )
    eventually(lambda: "Stop  " in (tmp_path / "output").read_text())
    processes = psutil.Process(make.pid).children(recursive=True)
    assert len(processes) > 7
    make.kill()
    make.wait()
    assert_gone(processes)


def test_what_a_dead_run_left_is_stopped_before_the_next(home: Home) -> None:
    """If supervisor and reaper are killed together, the next run stops their processes."""
    home.open()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as stray:
        reaper = Reaper(home.log("reaper"))
        reaper.hold(stray.pid, 1)
        SupervisorNote(1, "", [held.line() for held in reaper.held]).write(home)
        lock = HomeLock(home)
        assert lock.acquire()
        assert not HomeLock(home).acquire()
        assert stray.wait(timeout=5) == -signal.SIGTERM
        lock.release()
        reaper.release()
        eventually(reaper.is_done)
