"""Starts processes of the site as forks of one process that has imported their libraries and rules.

A web server or worker spends two seconds of processor time on imports and rules, and the tests start a hundred of them.
A fork shares what is the same for all, and nothing that depends on settings. Everything else is as with
`python -m MODULE`: its own session, environment, log and exit code. tests/config/test_startup.py starts real ones.
"""

import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from guard import conversation, rule_books

ROOT = Path(__file__).resolve().parents[1]
# What reads no settings and starts no thread: a thread does not survive a fork. ONNX Runtime starts some.
MODULES = (
    *("uvicorn.main", "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl", "uvloop", "httptools"),
    *("celery.bin.celery", "celery.bin.worker", "celery.bin.beat", "celery.apps.worker", "celery.apps.beat"),
    *("celery.fixups.django", "celery.concurrency.thread", "celery.worker.consumer", "kombu.transport.redis"),
    *("django.core.handlers.asgi", "django.core.management", "django.db.backends.postgresql.base"),
    *(
        "django.contrib.postgres.search",
        "django.forms",
        "django.template.defaultfilters",
        "django.test.client",
    ),
    *("openai._client", "openai.resources", "aiohttp", "redis.asyncio", "limits.storage", "psycopg_pool"),
    *("pydantic", "markdown_it", "math_core", "nh3", "pygments", "babel.dates", "prometheus_client", "typst"),
    *("yaml", "fido2.server", "requests", "smtplib", "environ", "inflection", "uritemplate", "numpy"),
    "servestatic.base",
    *("django.core.mail", "django.views.generic", "django.contrib.auth.hashers", "django.middleware.csrf"),
    *("django.contrib.admin", "django.contrib.postgres.apps", "rest_framework.serializers"),
)


def serve(orders: socket.socket) -> Callable[[], object] | None:
    """Carry out orders until the tests end. In a fork, return what it is to run."""
    lines = orders.makefile("rb")
    while line := lines.readline():
        order = json.loads(line)
        if "wait" in order:
            reply = os.waitpid(order["wait"], 0 if order["block"] else os.WNOHANG)
        elif (pid := _fork()) == 0:
            lines.close()
            orders.close()
            return partial(become, **order)
        else:
            reply = (pid, 0)
        orders.sendall(json.dumps(reply).encode() + b"\n")
    return None


def _fork() -> int:
    """Fork like os.fork, into a session of its own: when this returns, the whole group can be killed."""
    ready, make_ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
    os.close(make_ready)
    if pid:
        os.read(ready, 1)
    os.close(ready)
    return pid


def become(module: str, arguments: Sequence[str], env: Mapping[str, str], log: str) -> None:
    with Path(os.devnull).open() as nothing, Path(log).open("ab") as out:
        os.dup2(nothing.fileno(), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


class Fork:
    """A forked process, with the part of subprocess.Popen that tests use."""

    def __init__(self, pid: int, send: Callable[..., list[int]]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._send = send
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        return self._wait(block=False)

    def wait(self) -> int:
        code = self._wait(block=True)
        assert code is not None
        return code

    def _wait(self, *, block: bool) -> int | None:
        # One thread may poll while another kills, and a process can be waited for only once.
        with self._lock:
            if self.returncode is None:
                pid, status = self._send(wait=self.pid, block=block)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode


class ForkServer:
    """Starts with its first fork, and ends with this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._orders: socket.socket | None = None
        self._replies: Any = None

    def start(self, module: str, *arguments: str, env: Mapping[str, str], log: Path) -> Fork:
        log.touch()
        order = {"module": module, "arguments": arguments, "env": dict(env), "log": str(log)}
        pid, _ = self._send(**order)
        return Fork(pid, self._send)

    def _send(self, **order: object) -> list[int]:
        with self._lock:
            if self._orders is None:
                self._orders = self._start()
                self._replies = self._orders.makefile("rb")
            self._orders.sendall(json.dumps(order).encode() + b"\n")
            reply: list[int] = json.loads(self._replies.readline())
            return reply

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forks", str(theirs.fileno())],
                cwd=ROOT,
                # With more than one, numpy would start threads.
                env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
                | {"OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return ours

    def close(self) -> None:
        with self._lock:
            if self._orders is not None:
                self._replies.close()
                self._orders.close()
                self._orders = None
                self._process.wait()


def main() -> None:
    orders = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    for module in MODULES:
        import_module(module)
    conversation.get_classifier()
    rule_books.load_rule_books()
    gc.freeze()
    gc.enable()
    if become_this := serve(orders):
        become_this()


if __name__ == "__main__":
    main()
