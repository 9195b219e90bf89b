"""Measures what the site adds to streaming: time to the first text, and streams per second.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.streaming [--passes 3] [--json]

A mock model (benchmarks/mock_model.py) answers at once and sends 64 tokens, one every 20 ms (or 0 ms). The load client
reads it directly, and then through the whole site by its API, with sign-in, database, guard, family, budget, queue,
worker, output gate, stream and persistence, on one web process and one worker. The two alternate within each pass, so
that both run under the same load; figures are medians of the passes. Time to first token counts from the turn's POST.
There are twice as many people as streams at a time, because a person has one answer written at a time.
"""

import argparse
import asyncio
import itertools
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

import aiohttp  # noqa: E402
import psutil  # noqa: E402
import uvloop  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from benchmarks.mock_model import TOKENS  # noqa: E402
from chat.models import Turn, TurnState  # noqa: E402
from chat.prompt import build_prompt  # noqa: E402
from tests import live  # noqa: E402

QUESTION = "Why is the sky blue?"
CSRF = "a" * 32
# Concurrent streams, milliseconds between tokens, total streams of a measurement, and people.
LOADS = {"c1": (1, 0, 30, 12), "c64": (64, 20, 320, 128), "c200": (200, 20, 800, 400)}


@dataclass
class Measured:
    """The streams of one measurement, in seconds. `cpu` is the CPU time of the site's processes."""

    first: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    failed: int = 0

    @property
    def a_second(self) -> float:
        return len(self.first) / self.seconds

    def first_ms(self, share: float) -> float:
        return sorted(self.first)[int(share * (len(self.first) - 1))] * 1000


type Stream = Callable[[aiohttp.ClientSession], Awaitable[float | None]]


async def load(stream: Stream, *, at_a_time: int, count: int) -> Measured:
    """Run `count` streams, `at_a_time` of them concurrently."""
    measured, numbers = Measured(), iter(range(count))

    async def client(session: aiohttp.ClientSession) -> None:
        for _number in numbers:
            first = await stream(session)
            if first is None:
                measured.failed += 1
            else:
                measured.first.append(first)

    line = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=line, cookie_jar=aiohttp.DummyCookieJar()) as session:
        started = time.perf_counter()
        await asyncio.gather(*(client(session) for _ in range(at_a_time)))
        measured.seconds = time.perf_counter() - started
    return measured


def direct(url: str, pause: int) -> Stream:
    body = {
        "model": f"mock-{pause}",
        "messages": build_prompt(QUESTION, remembered=[]).messages,
        "stream": True,
        "max_tokens": TOKENS,
    }

    async def stream(session: aiohttp.ClientSession) -> float | None:
        started, first, received = time.perf_counter(), 0.0, 0
        async with session.post(f"{url}/chat/completions", json=body) as reply:
            async for line in reply.content:
                if line.startswith(b'data: {"choices": [{') and b'"content"' in line:
                    first = first or time.perf_counter() - started
                    received += 1
        return first if received == TOKENS else None

    return stream


def through_site(url: str, cookies: Iterator[str]) -> Stream:
    async def stream(session: aiohttp.ClientSession) -> float | None:
        headers = {
            "Cookie": next(cookies),
            "X-CSRFToken": CSRF,
            "Idempotency-Key": str(uuid4()),
        }
        started, first, state = time.perf_counter(), 0.0, ""
        async with session.post(f"{url}/api/v1/turns", json={"question": QUESTION}, headers=headers) as reply:
            if reply.status != 201:
                return None
            turn = await reply.json()
        events = f"{url}/api/v1/turns/{turn['id']}/events"
        async with session.get(events, headers=headers) as reply:
            name = b""
            async for line in reply.content:
                if line.startswith(b"event: "):
                    name = line[7:].strip()
                elif line.startswith(b"data: ") and name == b"words":
                    first = first or time.perf_counter() - started
                elif line.startswith(b"data: ") and name == b"done":
                    state = json.loads(line[6:])["state"]
                    # An answer that was complete before its events were requested comes all at once.
                    first = first or time.perf_counter() - started
        return first if state == TurnState.ANSWERED else None

    return stream


def people(name: str, count: int) -> list[str]:
    """Sign in adults. Returns a Cookie header for each."""
    made = Person.objects.bulk_create(
        [Person(username=f"{name}-{number}", role=Role.PARENT, password="!") for number in range(count)]  # noqa: S106
    )
    return [_create_cookie(person) for person in made]


def _create_cookie(person: Person) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={CSRF}"


class Mock(live.Process):
    def __init__(self, log: Path, port: int | None = None) -> None:
        self.port = port or live.free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        command = (sys.executable, "-m", "benchmarks.mock_model", str(self.port))
        super().__init__(*command, env=dict(os.environ), log=log)
        live.ready(self, lambda: _is_listening(self.port))


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class Site:
    web: live.Web
    worker: live.Worker

    @property
    def cpu(self) -> float:
        """The CPU seconds of web and worker so far."""
        used = [psutil.Process(process.child.pid).cpu_times() for process in (self.web, self.worker)]
        return sum(times.user + times.system for times in used)


@contextmanager
def site(logs: Path, mock: Mock, pause: int) -> Iterator[Site]:
    changed = {
        "TUTOR_BASE_URL": mock.url,
        "TUTOR_MODEL": f"mock-{pause}",
        "TUTOR_CONCURRENCY": "256",
    }
    with (
        live.running(live.Web(logs / f"web-{pause}.log", **changed)) as web,
        live.running(live.Worker(logs / f"worker-{pause}.log", **changed)) as worker,
    ):
        yield Site(web, worker)


def measure_load(logs: Path, mock: Mock, passes: int, name: str) -> list[tuple[Measured, Measured]]:
    """Run each pass directly with the model, then through the site, after one question per person as warm-up."""
    at_a_time, pause, count, readers = LOADS[name]
    pairs = []
    cookies = itertools.cycle(people(name, readers))
    with site(logs, mock, pause) as running:
        ways = direct(mock.url, pause), through_site(running.web.url, cookies)
        uvloop.run(load(ways[1], at_a_time=min(at_a_time, 8), count=readers))
        for _pass in range(passes):
            straight = uvloop.run(load(ways[0], at_a_time=at_a_time, count=count))
            before = running.cpu
            whole = uvloop.run(load(ways[1], at_a_time=at_a_time, count=count))
            whole.cpu = running.cpu - before
            pairs.append((straight, whole))
            print(
                f"  {name}: direct {straight.first_ms(0.5):.1f} ms, {straight.a_second:.1f}/s; site"
                f" {whole.first_ms(0.5):.1f} ms (p95 {whole.first_ms(0.95):.1f}), {whole.a_second:.1f}/s,"
                f" {whole.cpu / max(1, len(whole.first)) * 1000:.1f} ms of CPU, {whole.failed} failed",
                file=sys.stderr,
            )
    return pairs


def measure(passes: int) -> dict[str, Any]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            logs = Path(folder)
            with live.running(Mock(logs / "mock.log")) as mock:
                measured = {name: measure_load(logs, mock, passes, name) for name in LOADS}
            live.wait_until(live.is_alone, what="the site to leave the database")
        left = Turn.objects.exclude(state=TurnState.ANSWERED).count()
    finally:
        teardown_databases(made, verbosity=0)
    return figures(measured, left)


def figures(measured: dict[str, list[tuple[Measured, Measured]]], left: int) -> dict[str, Any]:
    def middle(name: str, what: Callable[[Measured, Measured], float]) -> float:
        return statistics.median(what(straight, whole) for straight, whole in measured[name])

    return {
        "ttft_over_direct_ms_c1": round(
            middle("c1", lambda straight, whole: whole.first_ms(0.5) - straight.first_ms(0.5)), 1
        ),
        "ttft_p95_ms_c1": round(middle("c1", lambda _straight, whole: whole.first_ms(0.95)), 1),
        "ttft_ms_c64": round(middle("c64", lambda _straight, whole: whole.first_ms(0.5)), 1),
        "ttft_p95_ms_c64": round(middle("c64", lambda _straight, whole: whole.first_ms(0.95)), 1),
        "of_direct_c64": round(middle("c64", lambda straight, whole: whole.a_second / straight.a_second), 3),
        "streams_a_second_c64": round(middle("c64", lambda _straight, whole: whole.a_second), 1),
        "ttft_ms_c200": round(middle("c200", lambda _straight, whole: whole.first_ms(0.5)), 1),
        "of_direct_c200": round(
            middle("c200", lambda straight, whole: whole.a_second / straight.a_second), 3
        ),
        "streams_a_second_c200": round(middle("c200", lambda _straight, whole: whole.a_second), 1),
        "cpu_ms_per_stream": round(
            middle("c200", lambda _straight, whole: whole.cpu / max(1, len(whole.first)) * 1000), 1
        ),
        "failed": sum(whole.failed for passes in measured.values() for _straight, whole in passes) + left,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--passes", type=int, default=3)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    results = measure(asked.passes)
    for name, value in results.items():
        print(f"{name:26} {value}")
    if asked.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
