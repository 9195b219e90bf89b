"""Each service and its home folder."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.home import Home, make_folder
from embedded.logs import open_log, read_last_lines, rotate_logs
from embedded.ports import INTERNAL_PORTS, find_internal_port, find_port_problem
from embedded.process import get_command_line, mark_process
from embedded.screen import Screen
from embedded.service import StartupError, strip_secrets
from embedded.site import build_site_environment, create_embedded_services
from tests.embedded.conftest import Running, clean_environment
from tests.live import wait_until

type Run = Callable[..., Running]


@pytest.mark.faults
def test_a_stale_pid_file_is_cleared(run: Run, home: Home) -> None:
    """The file names a running process that is not PostgreSQL: this one."""
    run().ready().end(signal.SIGINT)
    data = home.folder / "postgres" / "data"
    stale = data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data}\n")
    run().ready()
    assert int(stale.read_text().split()[0]) != os.getpid()


@pytest.mark.faults
def test_data_half_made_are_made_again(run: Run, home: Home) -> None:
    home.open()
    draft = home.folder / "postgres" / "data.new"
    draft.mkdir(parents=True)
    if os.geteuid() == 0:
        shutil.chown(draft.parent, "nobody")
    (draft / "PG_VERSION").write_text("18\n")
    assert "Database, first time" in run().ready().printed


def test_data_of_another_postgresql_are_left_alone(run: Run, home: Home) -> None:
    data = home.folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    site = run()
    assert site.process.wait(timeout=20) == 1
    assert "of PostgreSQL 17" in site.printed
    assert (data / "PG_VERSION").exists()


# Other users may not be able to read root's Python: this capability grants reading only.
AS_NOBODY = [
    *("setpriv", "--reuid=nobody", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
]


def test_an_ordinary_user_gets_the_services_too() -> None:
    user = AS_NOBODY if os.geteuid() == 0 else []
    words = [sys.executable, "-m", "embedded", "with", "--", "sh", "-c", "echo $DATABASE_URL; id -un"]
    done = subprocess.run(
        [*user, *words], env=clean_environment(), cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] != "root"


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    make_folder(tmp_path / "there", 0o750)
    make_folder(tmp_path / "there", 0o777)
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o750


def test_a_new_folder_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        assert make_folder(tmp_path / "new", 0o711).stat().st_mode & 0o777 == 0o711
    finally:
        os.umask(umask)


def test_a_secret_is_made_once(home: Home) -> None:
    assert home.secret("site") == home.secret("site") != home.secret("postgres")


def test_addresses_are_shown_without_secrets() -> None:
    shown = strip_secrets("postgres://who:hidden@db.example:5432/site?password=hidden")
    assert shown == "postgres://db.example:5432/site"


def test_the_sites_own_variables_pass_through_and_empty_ones_do_not_count(home: Home) -> None:
    environ = {"HELP_COUNTRY": "DE", "SECRET_KEY": "", "SITE_URL": "http://tea.example", "LOG_LEVEL": ""}
    env = build_site_environment(home, environ, [], "http://localhost:8000")
    assert env["HELP_COUNTRY"] == "DE"
    assert env["SITE_URL"] == "http://tea.example"
    assert env["SECRET_KEY"] == home.secret("site")
    assert env["KITCHEN_MODE"] == "demo"


def test_our_own_model_is_never_mixed_with_an_outside_ones_name(home: Home) -> None:
    environ = {"DATABASE_URL": "postgres://a", "VALKEY_URL": "redis://a", "TUTOR_MODEL": "large"}
    parts = create_embedded_services(home, environ)
    assert [part.name for part in parts] == ["Tutor model"]
    env = build_site_environment(home, environ, parts, "http://localhost:8000")
    assert (env["TUTOR_MODEL"], env["TUTOR_IS_DEMO_MODEL"]) == ("SmolLM2-135M-Instruct", "1")


def test_an_outside_model_needs_its_name(home: Home) -> None:
    with pytest.raises(StartupError, match="TUTOR_MODEL is not"):
        create_embedded_services(home, {"TUTOR_BASE_URL": "https://models.example/v1"})


def test_a_port_in_use_is_found_on_each_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert find_port_problem(taken.getsockname()[1]) == "is in use"
    assert find_internal_port() in INTERNAL_PORTS


def test_a_mark_is_of_one_process_and_no_other() -> None:
    with subprocess.Popen(["sleep", "30"]) as process:
        marked = mark_process(process.pid)
        assert marked is not None
        assert marked.is_alive()
        # On a busy machine the command line is empty for a moment after the start.
        wait_until(lambda: "sleep 30" in get_command_line(process.pid), what="its command line")
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not marked.is_alive()
    assert mark_process(process.pid) is None


def test_a_lost_terminal_is_nothing_to_fall_over(tmp_path: Path) -> None:
    with (tmp_path / "gone").open("w") as target:
        stream = os.fdopen(os.dup(target.fileno()), "w")
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        os.dup2(full.fileno(), stream.fileno())
    screen = Screen(stream)
    screen.say("not shown")
    screen.step("nor this", 1)
    stream.close()


def test_the_screen_is_calm_without_a_terminal() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    screen = Screen(stream)
    screen.show_title("Title")
    screen.waiting(["Database"], 0)
    screen.step("Database", 1.25)
    screen.show_problem("Worker ended", ["its last words"])
    output = stream.buffer.getvalue().decode()
    assert output == "Title\n  ✓ Database                  1.2 s\n  ! Worker ended\n      its last words\n"


def test_logs_are_private_and_the_last_runs_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    with open_log(path) as log:
        log.write(b"one\n\ntwo\nthree\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_last_lines(path, 2) == ["two", "three"]
    rotate_logs(tmp_path)
    assert not path.exists()
    assert (tmp_path / "web.log.1").exists()
    assert read_last_lines(path) == []
