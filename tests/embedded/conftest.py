"""Real supervisors in separate processes, each with its own home folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from embedded.home import Home, get_postgres_owner
from embedded.ports import find_internal_port
from embedded.postgres import Postgres

STUB_SITE = Path(__file__).parent / "stub_site"
EMBEDDED = (sys.executable, "-m", "embedded")
SUPERVISOR = (sys.executable, str(Path(__file__).with_name("supervisor.py")))
"""The same with a small model server."""
HIDDEN_PREFIXES = (
    "DATABASE_",
    "VALKEY_",
    "TUTOR_",
    "DJANGO_",
    "KITCHEN_",
    "PYTEST_",
    "SECRET_KEY",
    "SITE_URL",
    "PORT",
)


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that name running services: a supervisor must not see them."""
    return {key: value for key, value in os.environ.items() if not key.startswith(HIDDEN_PREFIXES)}


def eventually[Found](look: Callable[[], Found], seconds: float = 60) -> Found:
    """Call `look` until it returns something true, and return that."""
    end = time.monotonic() + seconds
    while not (result := look()):
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)
    return result


class Running:
    """A running `python -m embedded …`: its output and its child processes."""

    def __init__(self, output: Path, *words: str, program: Sequence[str] = SUPERVISOR, **env: str) -> None:
        self.output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [*program, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=clean_environment() | env,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> str:
        """Wait until the output contains this text, and return the output."""

        def is_printed() -> bool:
            assert words in self.printed or self.process.poll() is None, self.printed
            return words in self.printed

        eventually(is_printed)
        return self.printed

    def ready(self) -> "Running":
        self.wait_for("Stop  ")
        return self

    def read_page(self, path: str) -> bytes:
        """Return the content of a page, which must have status 200."""
        with urlopen(self.address + path) as page:  # noqa: S310 - our own address
            return bytes(page.read())

    @property
    def address(self) -> str:
        match = re.search(r"is ready: (\S+)", self.printed)
        assert match, self.printed
        return match[1]

    def list_processes(self) -> list[psutil.Process]:
        """Return the supervisor and all processes that it started, including its reaper."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def child(self, word: str) -> psutil.Process:
        """Return the running child with this word in its command line."""
        return next(child for child, words in self.children() if word in words)

    def children(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        """Yield each running child with the words of its command line."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                yield child, " ".join(child.cmdline()).split()

    def end(self, number: int) -> int:
        """Send a signal, and check that no process of it is left. Return the exit code."""
        processes = self.list_processes()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        assert_gone(processes)
        return code


def assert_gone(processes: list[psutil.Process], seconds: float = 20) -> None:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    left = [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert not left


@pytest.fixture(scope="session", autouse=True)
def _does_not_ignore_hangup() -> None:
    """Restore SIGHUP: under nohup it is ignored, and a supervisor would inherit that and not stop."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def home() -> Iterator[Home]:
    made = Home.temporary()
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STUB_SITE, tmp_path / "site"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts `python -m embedded …`, and stops it after the test if it still runs."""
    started: list[Running] = []

    def begin(*words: str, program: Sequence[str] = SUPERVISOR, **env: str) -> Running:
        output = tmp_path / f"output-{len(started)}"
        started.append(Running(output, *words, program=program, **env))
        return started[-1]

    yield begin
    for site in started:
        if site.process.poll() is None:
            site.end(signal.SIGTERM)


@pytest.fixture(scope="session")
def initialized() -> Iterator[Home]:
    """A home whose database cluster exists. Creating one takes most of a first start."""
    made = Home.temporary()
    made.open()
    postgres = Postgres(made)
    initdb = postgres.build_preparation()
    assert initdb
    owner = get_postgres_owner()
    subprocess.run(
        initdb.argv,
        env=initdb.env,
        cwd="/",
        stdout=subprocess.DEVNULL,
        check=True,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
    )
    postgres.build_launch()  # which gives the finished folder its name
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def run(home: Home, first_run: Callable[..., Running], initialized: Home) -> Callable[..., Running]:
    """Starts `make run` for the stub site, in this test's home, with an empty database."""

    def begin(**env: str) -> Running:
        if not (home.folder / "postgres").exists():
            copied = [initialized.folder / "postgres", initialized.folder / "postgres.secret"]
            subprocess.run(["cp", "-a", *copied, home.folder], check=True)
        return first_run(**env)

    return begin


@pytest.fixture
def first_run(home: Home, start: Callable[..., Running], checkout: Path) -> Callable[..., Running]:
    """Starts `make run` for the stub site, in this test's home. The first start creates the database."""

    def begin(*, program: Sequence[str] = SUPERVISOR, **env: str) -> Running:
        chosen = {"PORT": str(find_internal_port())} | env
        words = ("--home", str(home.folder), "--checkout", str(checkout), "run")
        return start(*words, program=program, **chosen)

    return begin
