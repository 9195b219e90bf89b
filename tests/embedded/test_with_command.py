"""`python -m embedded with -- COMMAND`: services for one command."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from tests.embedded.conftest import EMBEDDED, SUPERVISOR, Running, assert_gone, clean_environment, eventually

type Start = Callable[..., Running]

LOOK = """
import os, psycopg, redis, urllib.request
with psycopg.connect(os.environ["DATABASE_URL"]) as database:
    print(database.execute("SHOW max_connections").fetchone())
with redis.Redis.from_url(os.environ["VALKEY_URL"]) as valkey:
    print(valkey.config_get("databases"))
print(urllib.request.urlopen(os.environ["TUTOR_BASE_URL"].removesuffix("/v1") + "/health").status)
"""


def lend(*command: str, program: Sequence[str] = SUPERVISOR) -> subprocess.CompletedProcess[str]:
    words = [*program, "with", "--", *command]
    return subprocess.run(
        words, env=clean_environment(), capture_output=True, text=True, check=False, input="tea\n"
    )


def test_a_command_gets_the_services_and_keeps_its_output() -> None:
    done = lend(sys.executable, "-c", LOOK, program=EMBEDDED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["('300',)", "{'databases': '64'}", "200"]


def test_exit_code_and_input_are_the_commands_own() -> None:
    done = lend("sh", "-c", "read word; echo $word; exit 7")
    assert (done.returncode, done.stdout) == (7, "tea\n")


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_reaches_the_command_and_nothing_is_left(start: Start, number: int) -> None:
    command = start("with", "--", "sh", "-c", "echo $DATABASE_URL begun; exec sleep 600")
    command.wait_for("begun")
    data = Path(command.child("-D").cmdline()[2])
    assert data.exists()
    assert command.end(number) == (-number if number == signal.SIGKILL else 128 + number)
    eventually(lambda: not data.parents[1].exists())


@pytest.mark.faults
def test_several_at_once_do_not_meet(start: Start) -> None:
    both = [start("with", "--", "sh", "-c", "echo $DATABASE_URL begun; exec sleep 600") for _ in range(2)]
    assert len({command.wait_for("begun") for command in both}) == 2
    processes: list[psutil.Process] = [process for command in both for process in command.list_processes()]
    for command in both:
        command.end(signal.SIGTERM)
    assert_gone(processes)
