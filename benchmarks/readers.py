"""Measures whether the help page stays fast while many people read streaming answers.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.readers [--passes 3] [--seconds 8] [--json]

One web process serves every stream. "hostile" is 20 readers of 20 answers that are slow to render (brackets, nested
lists, math), with 20 entries a second each; "ordinary" is one person who reads 300 plain answers, with 4 entries a
second each, as a self-hosted model writes; "people" is 300 people who read one answer each. Meanwhile a separate
process requests `/healthz` and `/help/now` in turn, without a pause, and records how long each takes. Each pass also
measures "idle", without streams, to tell a busy machine from a slow site. Figures are in milliseconds: the median over
the passes of each pass's slowest request and of its 95th percentile. Readers and writers share the site's processors.
"""

import argparse
import asyncio
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()

import redis  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from chat.models import Turn  # noqa: E402
from chat.streaming.valkey_stream import stream_key  # noqa: E402
from tests import live  # noqa: E402
from tests.streams import make_live_turns  # noqa: E402

PATHS = ("/healthz", "/help/now")
# The slowest Markdown to parse, a few letters at a time.
HOSTILE = ("[", "_a__b ", "~~a", "1. a\n  - b\n", "a|b\n", "\\(x\\)", "<", "$$ a ")
ORDINARY = ("Rain begins as water that the sun lifts from the sea. ",)


@dataclass(frozen=True)
class Load:
    """The load: open streams, readers, entries per second and letters per entry of each stream, and their text."""

    streams: int
    people: int
    entries: int
    letters: int
    units: tuple[str, ...]


LOADS = {
    "idle": Load(0, 0, 0, 0, ()),
    "hostile": Load(20, 20, 20, 50, HOSTILE),
    "ordinary": Load(300, 1, 4, 54, ORDINARY),
    "people": Load(300, 300, 4, 54, ORDINARY),
}


def probe(port: int, seconds: float, answer: Any) -> None:
    """Request each page in turn and send back the milliseconds of each request."""
    took: dict[str, list[float]] = {path: [] for path in PATHS}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path in PATHS:
            began = time.monotonic()
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            line.request("GET", path)
            reply = line.getresponse()
            reply.read()
            line.close()
            if reply.status != 200:
                raise RuntimeError(f"{path} answered {reply.status}")
            took[path].append((time.monotonic() - began) * 1000)
    answer.send(took)


def create_cookie(person: Person) -> str:
    client = Client()
    client.force_login(person)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


class Readers:
    """One reader per answer, on an event loop in its own thread."""

    def __init__(self, port: int, turns: list[Turn]) -> None:
        self.port = port
        self.cookies = [create_cookie(turn.conversation.owner) for turn in turns]
        self.events = [0] * len(turns)
        self.open = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=asyncio.run, args=(self._read_all(turns),))

    async def _read_all(self, turns: list[Turn]) -> None:
        reading = [asyncio.create_task(self._read(number, turn)) for number, turn in enumerate(turns)]
        await asyncio.to_thread(self.done.wait)
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)

    async def _read(self, number: int, turn: Turn) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"Host: 127.0.0.1\r\nAccept: text/event-stream\r\nCookie: {self.cookies[number]}\r\n"
        writer.write(f"GET /tutor/turns/{turn.pk}/stream HTTP/1.1\r\n{head}\r\n".encode())
        if b" 200 " not in await reader.readline():
            raise RuntimeError("a stream was refused")
        self.open += 1
        async for line in reader:
            self.events[number] += line.startswith(b"id:")


def write(turns: list[Turn], load: Load, done: threading.Event) -> None:
    """Write to each answer's stream as a worker does, one round of entries at a time."""
    client, step = redis.Redis.from_url(settings.VALKEY_URL), 0
    began = time.monotonic()
    while not done.wait(max(0.0, began + step / load.entries - time.monotonic())):
        with client.pipeline(transaction=False) as pipe:
            for number, turn in enumerate(turns):
                unit = load.units[number % len(load.units)]
                count = max(1, load.letters // len(unit))
                fields: Any = {"at": step * count * len(unit), "text": unit * count, "n": step}
                pipe.xadd(stream_key(turn.pk), fields)
            pipe.execute()
        step += 1
    client.close()


@contextmanager
def streams(port: int, load: Load) -> Iterator[dict[str, float]]:
    """Keep the load's streams open and growing. Yields the seconds that it took to open them."""
    if not load.streams:
        yield {}
        return
    people = [
        Person.objects.create(username=f"reader-{uuid4()}", role=Role.PARENT, password="!")  # noqa: S106
        for _ in range(load.people)
    ]
    turns = [turn for person in people for turn in make_live_turns(person, load.streams // load.people)]
    readers = Readers(port, turns)
    began = time.monotonic()
    readers.thread.start()
    live.wait_until(lambda: readers.open == load.streams, what="all streams to open")
    opened = time.monotonic() - began
    writing = threading.Thread(target=write, args=(turns, load, readers.done))
    writing.start()
    try:
        time.sleep(1)
        before, since = sum(readers.events), time.monotonic()
        rates = {"open_seconds": opened}
        yield rates
        rates["events_a_second"] = (sum(readers.events) - before) / (time.monotonic() - since)
        if min(readers.events) < 3:
            raise RuntimeError(f"one of the streams brought {min(readers.events)} events only")
    finally:
        readers.done.set()
        readers.thread.join()
        writing.join()
        Turn.objects.filter(pk__in=[turn.pk for turn in turns]).delete()


def measure_load(port: int, load: Load, seconds: float) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the milliseconds of each request by path, and what the streams did in the meantime."""
    context = multiprocessing.get_context("spawn")
    with streams(port, load) as rates:
        mine, its = context.Pipe()
        asking = context.Process(target=probe, args=(port, seconds, its))
        asking.start()
        took: dict[str, list[float]] = mine.recv()
        asking.join()
    return took, rates


def measure(passes: int, seconds: float) -> dict[str, Any]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    durations: dict[tuple[str, str], list[list[float]]] = {}
    try:
        with tempfile.TemporaryDirectory() as folder, live.running(live.Web(Path(folder) / "web.log")) as web:
            for _pass in range(passes):
                for name, load in LOADS.items():
                    took, rates = measure_load(web.port, load, seconds)
                    for path, times in took.items():
                        durations.setdefault((name, path), []).append(sorted(times))
                    slowest = {path: f"{max(times):.0f} of {len(times)}" for path, times in took.items()}
                    streamed = {rate: round(value, 1) for rate, value in rates.items()}
                    print(f"  {name}: slowest ms {slowest}; {streamed}", file=sys.stderr)
        live.wait_until(live.is_alone, what="the site to leave the database")
    finally:
        teardown_databases(made, verbosity=0)
    return figures(durations)


def figures(durations: dict[tuple[str, str], list[list[float]]]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for (name, path), passes in durations.items():
        key = f"{name}_{path.strip('/').replace('/', '_')}"
        results[f"{key}_slowest_ms"] = round(statistics.median(times[-1] for times in passes), 1)
        results[f"{key}_p95_ms"] = round(
            statistics.median(times[int(0.95 * (len(times) - 1))] for times in passes), 1
        )
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--passes", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=8.0)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure(options.passes, options.seconds)
    for name, value in results.items():
        print(f"{name:30} {value}")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
