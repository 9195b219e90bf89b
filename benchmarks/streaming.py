"""Measures what the site adds to streaming: time to the first text, streams per second, CPU and statements.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.streaming [--passes 3] [--short] [--json]

A mock model (benchmarks/mock_model.py) answers at once with 64 tokens of prose, one every 20 ms (or 0 ms). The load
client reads it directly, and then through the whole site by its API, with sign-in, database, lessons, guard, family,
budget, queue, worker, output gate, stream and persistence, on one web process and one worker. It asks and reads the
answer on one request; with `--two-requests`, on two. Model and site alternate within each pass, so that both run under
the same load; figures are medians of the passes. Questions are taken from the open sets: 5 words in a new conversation,
and 20 words after three turns (`past3`). Time to first token counts from the turn's POST. There are twice as many
people as streams at a time, because a person has one answer written at a time. CPU is that of all processes of web,
worker, PostgreSQL and Valkey at 200 streams at a time. `--short` runs one stream
at a time only.
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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
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
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from accounts.session_store import SessionStore  # noqa: E402
from benchmarks.mock_model import PROSE, TOKENS  # noqa: E402
from chat.models import Conversation, Turn, TurnState  # noqa: E402
from chat.prompt import build_prompt  # noqa: E402
from chat.turns import queue  # noqa: E402
from guard import Action, action_for, judge_conversation, judge_sentence, load_guard  # noqa: E402
from kit.valkey import create_client  # noqa: E402
from tests import live  # noqa: E402
from tests.library import fill_library  # noqa: E402
from tests.statements import Way, count_statements  # noqa: E402

SETS = Path(__file__).parent
CSRF = "a" * 32
PROCESSES = "web", "worker", "postgres", "valkey"


@dataclass(frozen=True)
class Load:
    """`at_a_time` concurrent streams of `count`, with `pause` milliseconds between the model's tokens."""

    at_a_time: int
    pause: int
    count: int
    people: int
    words: range = range(4, 7)
    past_turns: int = 0


LOADS = {
    "c1": Load(at_a_time=1, pause=0, count=40, people=12),
    "c1_past3": Load(at_a_time=1, pause=0, count=40, people=12, words=range(18, 23), past_turns=3),
    "c64": Load(at_a_time=64, pause=20, count=320, people=128),
    "c200": Load(at_a_time=200, pause=20, count=800, people=400),
}
SHORT_LOADS = "c1", "c1_past3"


@dataclass
class Measured:
    """The streams of one measurement, in seconds. `cpu` is the CPU time of the site's processes by name."""

    first: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    failed: int = 0

    @property
    def a_second(self) -> float:
        return len(self.first) / self.seconds

    def first_ms(self, share: float) -> float:
        return sorted(self.first)[int(share * (len(self.first) - 1))] * 1000

    def cpu_ms(self, name: str) -> float:
        """The CPU time of a process in a stream."""
        return self.cpu[name] / max(1, len(self.first)) * 1000


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


def direct(url: str, pause: int, question: str) -> Stream:
    body = {
        "model": f"mock-{pause}",
        "messages": build_prompt(question, remembered=[]).messages,
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


def through_site(url: str, asked: Iterator["Asked"], *, two_requests: bool) -> Stream:
    """Ask and read the answer through the API."""

    async def stream(session: aiohttp.ClientSession) -> float | None:
        ask = next(asked)
        headers = {
            "Accept": "application/json" if two_requests else "text/event-stream",
            "Cookie": ask.cookie,
            "X-CSRFToken": CSRF,
            "Idempotency-Key": str(uuid4()),
        }
        started = time.perf_counter()
        async with session.post(f"{url}/api/v1/turns", json=ask.body, headers=headers) as reply:
            if reply.status != 201:
                return None
            if not two_requests:
                return await read_events(reply, started)
            turn = await reply.json()
        headers["Accept"] = "text/event-stream"
        async with session.get(f"{url}/api/v1/turns/{turn['id']}/events", headers=headers) as reply:
            return await read_events(reply, started)

    return stream


async def read_events(reply: aiohttp.ClientResponse, started: float) -> float | None:
    """Return the seconds from `started` to the first text, or None if the turn was not answered."""
    first, state, name = 0.0, "", b""
    async for line in reply.content:
        if line.startswith(b"event: "):
            name = line[7:].strip()
        elif line.startswith(b"data: ") and name == b"text":
            first = first or time.perf_counter() - started
        elif line.startswith(b"data: ") and name == b"done":
            state = json.loads(line[6:])["state"]
            # An answer that was complete before its events were requested comes all at once.
            first = first or time.perf_counter() - started
    return first if state == TurnState.ANSWERED else None


@dataclass(frozen=True)
class Asked:
    """One question of one person."""

    cookie: str
    body: dict[str, str]


@cache
def choose_questions(words: range) -> list[str]:
    """Return the questions of the open sets that have so many words, and an answer that the guard does not cut.

    The mock's prose does not fit the questions, and a sentence is judged with the question that it answers.
    """
    rows = [
        json.loads(line)
        for name in ("lesson_questions", "teen_set")
        for line in (SETS / name / "open.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    texts = [row["text"] for row in rows if "text" in row and len(row["text"].split()) in words]
    answered = [text for text in texts if action_for(judge_conversation([("user", text)])) == Action.ANSWER]
    return [text for text in answered if not any(_is_cut(text, answer) for answer in PROSE)]


def _is_cut(question: str, answer: str) -> bool:
    sentences = answer.replace(". ", ".\n").splitlines()
    return any(
        judge_sentence(question=question, sentence=sentence, is_question_ordinary=False).evidence
        for sentence in sentences
    )


def create_people(name: str, count: int) -> list[Person]:
    return Person.objects.bulk_create(
        [Person(username=f"{name}-{number}", role=Role.PARENT, password="!") for number in range(count)]  # noqa: S106
    )


def prepare_questions(people: list[Person], measured: Load, count: int) -> list[Asked]:
    """Return `count` questions, each in a conversation of its own with the load's past turns."""
    cookies = {person.pk: _create_cookie(person) for person in people}
    askers, questions = itertools.cycle(people), itertools.cycle(choose_questions(measured.words))
    prepared = [(next(askers), next(questions)) for _number in range(count)]
    if not measured.past_turns:
        return [Asked(cookies[person.pk], {"question": question}) for person, question in prepared]
    conversations = Conversation.objects.bulk_create(
        [Conversation(owner=person, title="Past") for person, _question in prepared]
    )
    earlier, now = itertools.cycle(choose_questions(range(8, 13))), timezone.now()
    Turn.objects.bulk_create(
        [
            Turn(
                pk=uuid4(),
                conversation=conversation,
                question=next(earlier),
                answer=PROSE[number % len(PROSE)],
                state=TurnState.ANSWERED,
                asked_at=now - timedelta(minutes=30 + measured.past_turns - number),
                ended_at=now - timedelta(minutes=29 + measured.past_turns - number),
                answer_tokens=TOKENS,
            )
            for conversation in conversations
            for number in range(measured.past_turns)
        ]
    )
    return [
        Asked(cookies[person.pk], {"question": question, "conversation": str(conversation.pk)})
        for (person, question), conversation in zip(prepared, conversations, strict=True)
    ]


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
    postgres: psutil.Process
    valkey: psutil.Process

    def read_cpu(self) -> dict[str, float]:
        """Return the CPU seconds of the site's processes so far, each with its children."""
        roots = (
            psutil.Process(self.web.child.pid),
            psutil.Process(self.worker.child.pid),
            self.postgres,
            self.valkey,
        )
        return dict(zip(PROCESSES, map(_sum_cpu, roots), strict=True))


def _sum_cpu(root: psutil.Process) -> float:
    own = root.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in root.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return total


def find_servers() -> tuple[psutil.Process, psutil.Process]:
    """Return the processes of PostgreSQL and Valkey."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    about: Any = create_client().info("server")
    postgres = backend.parent()
    assert postgres  # noqa: S101 - a backend is a child of the server
    return postgres, psutil.Process(about["process_id"])


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
        yield Site(web, worker, *find_servers())


def ask_directly(mock: Mock, measured: Load) -> Measured:
    """Run a load on the model itself."""
    stream = direct(mock.url, measured.pause, choose_questions(measured.words)[0])
    return uvloop.run(load(stream, at_a_time=measured.at_a_time, count=measured.count))


def ask_site(running: Site, people: list[Person], measured: Load, *, two_requests: bool = False) -> Measured:
    """Run a load through the site, and measure the CPU time of its processes too."""
    asked = iter(prepare_questions(people, measured, measured.count))
    before = running.read_cpu()
    whole = uvloop.run(
        load(
            through_site(running.web.url, asked, two_requests=two_requests),
            at_a_time=measured.at_a_time,
            count=measured.count,
        )
    )
    after = running.read_cpu()
    whole.cpu = {process: after[process] - before[process] for process in PROCESSES}
    return whole


def measure_load(
    logs: Path, mock: Mock, passes: int, name: str, *, two_requests: bool
) -> list[tuple[Measured, Measured]]:
    """Run each pass directly with the model, then through the site, after one question per person as warm-up."""
    measured_load, pairs = LOADS[name], []
    people = create_people(name, measured_load.people)
    with site(logs, mock, measured_load.pause) as running:
        warm_up = replace(measured_load, count=len(people), at_a_time=min(measured_load.at_a_time, 8))
        ask_site(running, people, warm_up, two_requests=two_requests)
        for _pass in range(passes):
            straight = ask_directly(mock, measured_load)
            whole = ask_site(running, people, measured_load, two_requests=two_requests)
            pairs.append((straight, whole))
            cpu = ", ".join(f"{process} {whole.cpu_ms(process):.1f}" for process in PROCESSES)
            print(
                f"  {name}: direct {straight.first_ms(0.5):.1f} ms, {straight.a_second:.1f}/s; site"
                f" {whole.first_ms(0.5):.1f} ms (p95 {whole.first_ms(0.95):.1f}), {whole.a_second:.1f}/s,"
                f" CPU ms: {cpu}; {whole.failed} failed",
                file=sys.stderr,
            )
    return pairs


def measure_statements() -> dict[str, int]:
    """Return the statements of a question, of following it and of its worker, without BEGIN and COMMIT.

    Those of following it by a program's second request and by a page are apart.
    """
    [person] = create_people("statements", 1)
    load_guard()
    question = choose_questions(range(4, 7))[0]
    with patch.object(queue, "nudge_worker"):
        counts = {way: count_statements(person, question, way).counts for way in Way}
    return counts[Way.ONE_REQUEST] | {
        "following_events": counts[Way.TWO_REQUESTS]["following"],
        "following_page": counts[Way.PAGE]["following"],
    }


def measure(passes: int, names: Sequence[str], *, two_requests: bool) -> dict[str, Any]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    try:
        fill_library()
        with tempfile.TemporaryDirectory() as folder:
            logs = Path(folder)
            with live.running(Mock(logs / "mock.log")) as mock:
                measured = {
                    name: measure_load(logs, mock, passes, name, two_requests=two_requests) for name in names
                }
                settings.TUTOR_BASE_URL, settings.TUTOR_MODEL = mock.url, "mock-0"
                statements = measure_statements()
            live.wait_until(live.is_alone, what="the site to leave the database")
        failed = Turn.objects.exclude(state=TurnState.ANSWERED)
        for state, reason, question in failed.values_list("state", "end_reason", "question"):
            print(f"  {state} ({reason}): {question}", file=sys.stderr)
        left = len(failed)
    finally:
        teardown_databases(made, verbosity=0)
    return figures(measured, left) | {"statements": statements}


def figures(measured: dict[str, list[tuple[Measured, Measured]]], left: int) -> dict[str, Any]:
    def middle(name: str, what: Callable[[Measured, Measured], float], digits: int = 1) -> float:
        return round(statistics.median(what(straight, whole) for straight, whole in measured[name]), digits)

    def over_direct(name: str) -> float:
        return middle(name, lambda straight, whole: whole.first_ms(0.5) - straight.first_ms(0.5))

    def cpu_ms(name: str, process: str) -> float:
        return middle(name, lambda _straight, whole: whole.cpu_ms(process))

    results: dict[str, Any] = {
        "ttft_over_direct_ms_c1": over_direct("c1"),
        "ttft_p95_ms_c1": middle("c1", lambda _straight, whole: whole.first_ms(0.95)),
        "ttft_over_direct_ms_c1_past3": over_direct("c1_past3"),
    }
    for process in PROCESSES:
        results[f"cpu_ms_{process}_c1"] = cpu_ms("c1", process)
    for name in ("c64", "c200"):
        if name not in measured:
            continue
        results |= {
            f"ttft_ms_{name}": middle(name, lambda _straight, whole: whole.first_ms(0.5)),
            f"ttft_p95_ms_{name}": middle(name, lambda _straight, whole: whole.first_ms(0.95)),
            f"of_direct_{name}": middle(name, lambda straight, whole: whole.a_second / straight.a_second, 3),
            f"streams_a_second_{name}": middle(name, lambda _straight, whole: whole.a_second),
        }
    if "c200" in measured:
        for process in PROCESSES:
            results[f"cpu_ms_{process}"] = cpu_ms("c200", process)
        results["cpu_ms_per_stream"] = round(results["cpu_ms_web"] + results["cpu_ms_worker"], 1)
    results["failed"] = (
        sum(whole.failed for passes in measured.values() for _straight, whole in passes) + left
    )
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--passes", type=int, default=3)
    arguments.add_argument("--short", action="store_true", help="only one stream at a time")
    arguments.add_argument(
        "--two-requests", action="store_true", help="follow each answer on another request"
    )
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    names = SHORT_LOADS if options.short else tuple(LOADS)
    results = measure(options.passes, names, two_requests=options.two_requests)
    for name, value in results.items():
        print(f"{name:26} {value}")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
