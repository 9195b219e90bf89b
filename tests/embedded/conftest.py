"""Real supervisors in processes of their own, on homes of their own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from embedded.home import Home
from embedded.ports import find_inner_port

STUB_SITE = Path(__file__).parent / "stub_site"
OURS = ("DATABASE_", "VALKEY_", "TUTOR_", "DJANGO_", "KITCHEN_", "PYTEST_", "SECRET_KEY", "SITE_URL", "PORT")


def clean_environment() -> dict[str, str]:
    """The tests' own environment names parts that run already; a supervisor under test must not see them."""
    return {key: value for key, value in os.environ.items() if not key.startswith(OURS)}


def eventually[Found](look: Callable[[], Found], seconds: float = 60) -> Found:
    """The first true thing that `look` finds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


class Running:
    """One `python -m embedded …`, what it said, and what it started."""

    def __init__(self, output: Path, *words: str, **env: str) -> None:
        self.output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=clean_environment() | env,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until(self, words: str) -> str:
        """Wait until it has said these words."""

        def heard() -> bool:
            assert words in self.said or self.process.poll() is None, self.said
            return words in self.said

        eventually(heard)
        return self.said

    def ready(self) -> "Running":
        self.until("Stop  ")
        return self

    def page(self, path: str) -> bytes:
        """A page of the site, which must be a good one."""
        with urlopen(self.address + path) as page:  # noqa: S310 - our own address
            return bytes(page.read())

    @property
    def address(self) -> str:
        found = re.search(r"is ready: (\S+)", self.said)
        assert found, self.said
        return found[1]

    def family(self) -> list[psutil.Process]:
        """All that runs because of it, itself and its reaper included."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def child(self, word: str) -> psutil.Process:
        """The child that lives and has this word in its command line."""
        return next(child for child, words in self.children() if word in words)

    def children(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        """Each child that lives, with the words of its command line."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                yield child, " ".join(child.cmdline()).split()

    def end(self, number: int) -> int:
        """Signal it, and see that nothing of it is left."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        assert_gone(family)
        return code


def assert_gone(processes: list[psutil.Process], seconds: float = 20) -> None:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    left = [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert not left


@pytest.fixture(scope="session", autouse=True)
def _hears_its_terminal_close() -> None:
    """Under nohup that signal is ignored, and what is ignored outlives an exec: a supervisor would rightly not end."""
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
    """Start `python -m embedded …`; it is stopped at the end where the test has not done so."""
    started: list[Running] = []

    def begin(*words: str, **env: str) -> Running:
        started.append(Running(tmp_path / f"output-{len(started)}", *words, **env))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


@pytest.fixture
def run(home: Home, start: Callable[..., Running], checkout: Path) -> Callable[..., Running]:
    """`make run`, of the stub site, in this test's home."""

    def begin(**env: str) -> Running:
        chosen = {"PORT": str(find_inner_port())} | env
        return start("--home", str(home.folder), "--checkout", str(checkout), "run", **chosen)

    return begin
