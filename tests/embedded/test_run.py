"""`make run`: what it starts, what it prints, and what is left at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis

from embedded.health import is_healthy
from embedded.home import Home
from embedded.ports import find_internal_port
from tests.embedded.conftest import (
    EMBEDDED,
    STUB_SITE,
    SUPERVISOR,
    Running,
    assert_gone,
    clean_environment,
    eventually,
)

type Run = Callable[..., Running]


@pytest.fixture(scope="module")
def lasting_home() -> Iterator[Home]:
    made = Home.temporary()
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def lasting_port() -> int:
    return find_internal_port()


@pytest.fixture(scope="module")
def lasting_run(
    lasting_home: Home, lasting_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """`make run` as shipped, on a chosen port. Tests share it: do not end it."""
    folder = tmp_path_factory.mktemp("lasting")
    checkout = shutil.copytree(STUB_SITE, folder / "site")
    words = ("--home", str(lasting_home.folder), "--checkout", str(checkout), "run")
    site = Running(folder / "output", *words, program=EMBEDDED, PORT=str(lasting_port))
    try:
        yield site.ready()
    finally:
        site.end(signal.SIGTERM)


def test_the_services_are_real_and_the_output_has_everything_needed(
    lasting_run: Running, lasting_home: Home
) -> None:
    site = lasting_run
    env = site.child("uvicorn").environ()
    with psycopg.connect(env["DATABASE_URL"]) as database:
        assert str(database.execute("SHOW server_version").fetchone()).startswith("('18.")
    with redis.Redis.from_url(env["VALKEY_URL"]) as valkey:
        assert valkey.info("server")["server_name"] == "valkey"
    assert is_healthy(urlsplit(env["TUTOR_BASE_URL"]).port or 0, "/health")
    assert b"ok" in site.read_page("/healthz")
    for words in ("sam", "kitchen-demo", "a parent", str(lasting_home.folder), "Ctrl-C", "make reset"):
        assert words in site.printed
    assert "\033" not in site.printed
    assert site.child("worker").environ()["DATABASE_POOL"] == "20"


def test_no_secret_is_shown(lasting_run: Running, lasting_home: Home) -> None:
    site = lasting_run
    env = site.child("uvicorn").environ()
    secrets = [env["SECRET_KEY"], env["TUTOR_API_KEY"]]
    secrets += [env[key].partition("@")[0].rpartition(":")[2] for key in ("DATABASE_URL", "VALKEY_URL")]
    shown = site.printed + "".join(" ".join(process.cmdline()) for process in site.list_processes())
    shown += "".join(path.read_text(errors="replace") for path in lasting_home.logs.iterdir())
    assert not [secret for secret in secrets if secret in shown]
    private = [path for path in lasting_home.folder.iterdir() if path.is_file()]
    assert private
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_ctrl_c_leaves_the_data_and_nothing_else(first_run: Run) -> None:
    first = first_run().ready()
    env = first.child("uvicorn").environ()
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as database:
        database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with redis.Redis.from_url(env["VALKEY_URL"]) as valkey:
        valkey.set("kept", "42")
    assert first.end(signal.SIGINT) == 0

    second = first_run().ready()
    env = second.child("uvicorn").environ()
    with psycopg.connect(env["DATABASE_URL"]) as database:
        assert database.execute("SELECT answer FROM kept").fetchone() == (42,)
    with redis.Redis.from_url(env["VALKEY_URL"]) as valkey:
        assert valkey.get("kept") == b"42"
    assert second.end(signal.SIGTERM) == 0


def test_a_second_run_says_where_the_first_is(run: Run, start: Run, home: Home) -> None:
    first = run().ready()
    second = run()
    assert second.process.wait(timeout=20) == 0
    assert first.address in second.printed
    assert str(first.process.pid) in second.printed

    refused = start("--home", str(home.folder), "reset")
    assert refused.process.wait(timeout=20) == 1
    assert first.address in refused.printed
    assert b"ok" in first.read_page("/healthz")

    first.end(signal.SIGINT)
    done = start("--home", str(home.folder), "reset")
    assert done.process.wait(timeout=20) == 0
    assert not home.folder.exists()


def test_a_taken_port_is_named_and_another_is_used(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        site = run(PORT=str(port)).ready()
        assert f"Port {port} is in use" in site.printed
        assert not site.address.endswith(f":{port}")
        assert b"ok" in site.read_page("/healthz")


def test_the_port_can_be_chosen(lasting_run: Running, lasting_port: int) -> None:
    assert lasting_run.address == f"http://localhost:{lasting_port}"


def test_a_wrong_port_is_explained(run: Run) -> None:
    wrong = run(PORT="http")
    assert wrong.process.wait(timeout=20) == 1
    assert "PORT is “http”" in wrong.printed
    assert "Traceback" not in wrong.printed


def test_external_services_are_used_and_not_started(run: Run, home: Home) -> None:
    outside = {
        "DATABASE_URL": "postgres://who:hidden@db.example:5432/site?sslmode=require",
        "TUTOR_BASE_URL": "https://who:hidden@models.example/v1",
        "TUTOR_API_KEY": "hidden",
        "TUTOR_MODEL": "large",
    }
    site = run(**outside).ready()
    env = site.child("uvicorn").environ()
    assert {key: env[key] for key in outside} == outside
    assert "TUTOR_IS_DEMO_MODEL" not in env
    assert "postgres://db.example:5432/site" in site.printed
    assert "https://models.example/v1" in site.printed
    assert "hidden" not in site.printed
    assert {path.name for path in home.logs.glob("[mpv]*.log")} == {"migrate.log", "valkey.log"}


def test_a_hang_up_is_ignored_when_it_was_ignored_before(home: Home, checkout: Path, tmp_path: Path) -> None:
    """`nohup make run` keeps running when the terminal closes."""
    words = ["--home", str(home.folder), "--checkout", str(checkout), "run"]
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(
            ["nohup", *SUPERVISOR, *words],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=clean_environment() | {"PORT": str(find_internal_port())},
            start_new_session=True,
        )
    site = Running.__new__(Running)
    site.output, site.process = tmp_path / "output", process
    site.ready()
    os.kill(process.pid, signal.SIGHUP)
    assert b"ok" in site.read_page("/healthz")
    processes: list[psutil.Process] = site.list_processes()
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert_gone(processes)


def test_an_unreachable_service_is_reported(run: Run, checkout: Path) -> None:
    page = checkout / "config" / "asgi.py"
    page.write_text(page.read_text().replace('{"worker"', '{"model": "no answer", "worker"'))
    assert "The site cannot reach its model: no answer" in run().ready().printed


def test_another_site_on_the_port_does_not_pass_for_this_one() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port := find_internal_port())]
    ) as other:
        eventually(lambda: is_healthy(port, "/"))
        assert not is_healthy(port, "/", signed="ours")
        other.kill()
