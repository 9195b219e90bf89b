"""A forked process is like one that was started: tests/forks.py."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forks import Fork, ForkServer


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    started = ForkServer()
    yield started
    started.close()


def start(server: ForkServer, log: Path, *arguments: str, module: str = "tests.config.told") -> Fork:
    return server.start(module, *arguments, env={"CUP": "tea"}, log=log)


def test_it_has_its_own_arguments_environment_session_and_log(server: ForkServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("earlier\n")
    assert start(server, log, "7", "x").wait() == 7
    earlier, told = log.read_text().splitlines()
    assert earlier == "earlier"
    assert json.loads(told) == {
        "arguments": ["7", "x"],
        "env": {"CUP": "tea"},
        "leads_its_session": True,
        "input": "",
        "has_settings": False,
    }


def test_its_log_is_there_from_the_start(server: ForkServer, tmp_path: Path) -> None:
    fork = start(server, tmp_path / "log", "0")
    assert (tmp_path / "log").exists()
    assert fork.wait() == 0


def test_what_stops_it_is_in_its_log(server: ForkServer, tmp_path: Path) -> None:
    assert start(server, tmp_path / "log", module="tests.config.no_such").wait() == 1
    assert "no_such" in (tmp_path / "log").read_text()


def test_it_can_be_killed_and_others_go_on(server: ForkServer, tmp_path: Path) -> None:
    killed = start(server, tmp_path / "killed", "0", module="http.server")
    os.kill(killed.pid, signal.SIGSTOP)
    assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert killed.poll() == killed.returncode == -signal.SIGKILL
    assert start(server, tmp_path / "next", "0").wait() == 0
