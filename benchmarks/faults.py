"""Kills services of the site while 200 questions are asked, and checks what becomes of them.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.faults [--turns 200] [--only FAULT] [--json]

Five kinds of fault, each during a fifth of the turns: the worker is killed (-9), the broker is killed and comes back
empty, a database server process is killed and recovers, the model is killed and comes back, and every nudge is
delivered three times. People post as a page does: the same question with the same id again, until it is stored. A turn
must end answered, or failed or stopped with the rest of its hold released; none may be lost, and none answered or paid
twice. The ledger is audited at the end.
"""

import argparse
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402
from kombu import Connection  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from benchmarks.streaming import Mock  # noqa: E402
from budgets.audit import find_ledger_differences  # noqa: E402
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry  # noqa: E402
from chat.models import Turn, TurnState  # noqa: E402
from config.celery import app  # noqa: E402
from tests import live  # noqa: E402

PEOPLE = 20
PATIENCE = 180.0


@dataclass
class Parts:
    """The running site. A fault also restarts what it kills."""

    logs: Path
    stack: ExitStack
    valkey: live.Valkey
    mock: Mock
    web: live.Web
    workers: list[live.Worker]

    def start_worker(self) -> None:
        log = self.logs / f"worker-{time.monotonic_ns()}.log"
        self.workers.append(self.stack.enter_context(live.running(live.Worker(log, **self.environment))))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "VALKEY_URL": self.valkey.url,
            "TUTOR_BASE_URL": self.mock.url,
            "TUTOR_MODEL": "mock-20",
            "TUTOR_CONCURRENCY": "8",
        }


def worker_killed(parts: Parts) -> None:
    victim = parts.workers.pop(0)
    victim.kill()
    parts.start_worker()


def queue_killed(parts: Parts) -> None:
    parts.valkey.kill()
    time.sleep(1)
    again = live.Valkey(parts.logs / f"valkey-{time.monotonic_ns()}.log", parts.valkey.port)
    parts.valkey = parts.stack.enter_context(live.running(again))


def database_killed(_parts: Parts) -> None:
    """Kill a server process: PostgreSQL then ends every connection and recovers from its log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s LIMIT 1", [live.NAME])
        row = cursor.fetchone()
    if row is None:
        raise LookupError("The site has no connection to the database.")
    os.kill(row[0], signal.SIGKILL)


def model_killed(parts: Parts) -> None:
    parts.mock.kill()
    time.sleep(1)
    again = Mock(parts.logs / f"mock-{time.monotonic_ns()}.log", parts.mock.port)
    parts.mock = parts.stack.enter_context(live.running(again))


def nudged_thrice(parts: Parts) -> None:
    waiting = Turn.objects.filter(state__in=[TurnState.QUEUED, TurnState.WORKING]).values_list(
        "pk", flat=True
    )
    with Connection(parts.valkey.url) as line:
        for turn_id in list(waiting) * 3:
            app.send_task("chat.tasks.claim_turns", args=[str(turn_id)], connection=line)


FAULTS: dict[str, Callable[[Parts], None]] = {
    "worker killed": worker_killed,
    "queue killed": queue_killed,
    "database killed": database_killed,
    "model killed": model_killed,
    "nudged thrice": nudged_thrice,
}


def ask(web_client: live.SignedInClient, turn_id: UUID) -> None:
    """Send the same question with the same id until it is accepted, as the page does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError):
            reply = web_client.post("/tutor/ask", turn_id=turn_id, question="Why is the sky blue?")
            if reply.status == 302:
                return
        time.sleep(0.3)
    raise TimeoutError(f"Turn {turn_id} was never taken.")


def steady[T](question: Callable[[], T]) -> T:
    """Query the database, again while it recovers."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return question()
        except OperationalError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def ended(turn_ids: list[UUID]) -> int:
    return steady(lambda: Turn.objects.filter(pk__in=turn_ids, ended_at__isnull=False).count())


def run_fault(parts: Parts, web_clients: list[live.SignedInClient], count: int, name: str) -> list[UUID]:
    """Ask `count` questions and cause the fault once some are answered and others are streaming."""
    turn_ids = [uuid4() for _ in range(count)]
    with ThreadPoolExecutor(len(web_clients)) as people:
        asking = [
            people.submit(ask, web_clients[number % len(web_clients)], turn_id)
            for number, turn_id in enumerate(turn_ids)
        ]
        live.wait_until(
            lambda: ended(turn_ids) >= count // 4, what="a quarter of the answers", seconds=PATIENCE
        )
        steady(lambda: FAULTS[name](parts))
        for question in asking:
            question.result()
    live.wait_until(lambda: ended(turn_ids) == count, what=f"every turn to end ({name})", seconds=PATIENCE)
    return turn_ids


def tally(turn_ids: list[UUID]) -> dict[str, int]:
    turns = {turn.pk: turn for turn in Turn.objects.filter(pk__in=turn_ids)}
    holds = {hold.pk: hold for hold in Hold.objects.filter(pk__in=turn_ids)}
    settled: dict[UUID, list[int]] = {}
    for hold_id, tokens in LedgerEntry.objects.filter(hold__in=turn_ids, kind=EntryKind.SETTLE).values_list(
        "hold", "tokens"
    ):
        settled.setdefault(hold_id, []).append(tokens)
    answered = [turn for turn in turns.values() if turn.state == TurnState.ANSWERED]
    refunded = [
        turn
        for turn in turns.values()
        if turn.state in {TurnState.FAILED, TurnState.STOPPED} and holds[turn.pk].state != HoldState.HELD
    ]
    double = [
        turn
        for turn in turns.values()
        if turn.pk in settled and (len(settled[turn.pk]) > 1 or settled[turn.pk][0] != turn.tokens)
    ]
    unpaid = [turn for turn in answered if turn.pk not in settled]
    return {
        "answered": len(answered),
        "refunded": len(refunded),
        "lost": len(turn_ids) - len(answered) - len(refunded) + len(unpaid),
        "double": len(double),
    }


def run(count: int, faults: list[str]) -> Iterator[tuple[str, dict[str, int]]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        logs = Path(folder)
        valkey = stack.enter_context(live.running(live.Valkey(logs / "valkey.log")))
        settings.VALKEY_URL = valkey.url
        mock = stack.enter_context(live.running(Mock(logs / "mock.log")))
        variables = {"VALKEY_URL": valkey.url, "TUTOR_BASE_URL": mock.url, "TUTOR_MODEL": "mock-20"}
        web = stack.enter_context(live.running(live.Web(logs / "web.log", **variables)))
        parts = Parts(logs, stack, valkey, mock, web, [])
        parts.start_worker()
        parts.start_worker()
        stack.enter_context(live.running(live.Beat(logs / "beat.log", **variables)))
        people = [
            Person.objects.create_user(f"reader-{number}", role=Role.PARENT) for number in range(PEOPLE)
        ]
        web_clients = [live.SignedInClient(web, person) for person in people]
        for name in faults:
            yield name, tally(run_fault(parts, web_clients, count // len(faults), name))
    live.wait_until(live.is_alone, what="the site to leave the database")


def measure(count: int, faults: list[str]) -> dict[str, Any]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        # The test server confirms commits before they are on disk, unlike a production server.
        cursor.execute(
            f"ALTER DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])} SET synchronous_commit = on"
        )
    totals: dict[str, int] = {"answered": 0, "refunded": 0, "lost": 0, "double": 0}
    try:
        for name, counts in run(count, faults):
            print(f"{name:16} " + "  ".join(f"{key} {value}" for key, value in counts.items()))
            for key, value in counts.items():
                totals[key] += value
        totals["leaked"] = Hold.objects.filter(state=HoldState.HELD).count()
        totals["ledger_differences"] = sum(1 for _ in find_ledger_differences())
    finally:
        connection.close()
        teardown_databases(made, verbosity=0)
    return totals


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--turns", type=int, default=200)
    arguments.add_argument("--only", choices=list(FAULTS), help="run only this fault")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure(options.turns, [options.only] if options.only else list(FAULTS))
    print("  ".join(f"{key} {value}" for key, value in results.items()))
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
