"""Lets a provider fail in six ways while 200 questions are asked of two models, and checks what becomes of them.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.routing [--turns 200] [--only MODE] [--json]

The first model costs money and fails: it is dead, slow, flapping, lying, overloaded or rate-limiting, each during a
part of the turns, and then it is well again. The second one is local and always answers. People post as a page does.

`fell_back` are answered turns that the first model did not answer; `refunded` ended without a whole answer, and the
person paid nothing for them or only for the words that they got; `lost` never ended, or their hold was never resolved;
`double` were paid or answered twice. `seconds_to_recover` is the time until the first model answers again after it is
well, for the slowest of the modes. `routing_ms` is what choosing the model adds to a question.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from benchmarks.unsteady_model import MODES  # noqa: E402
from budgets.audit import find_ledger_differences  # noqa: E402
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry  # noqa: E402
from chat.models import Turn, TurnState  # noqa: E402
from routing.breaker import read_health  # noqa: E402
from routing.models import TutorModel  # noqa: E402
from routing.ranking import rank_models  # noqa: E402
from routing.registry import list_models  # noqa: E402
from tests import live  # noqa: E402

FAILURES = MODES[1:]
PEOPLE = 20
PATIENCE = 240.0
FAILING_SECONDS = 8.0
SETTLING = (EntryKind.SETTLE, EntryKind.ABSORB)


class UnsteadyModel(live.Process):
    def __init__(self, log: Path) -> None:
        self.port = live.free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        super().__init__(
            sys.executable, "-m", "benchmarks.unsteady_model", str(self.port), env=dict(os.environ), log=log
        )
        live.ready(self, self.answers)

    def answers(self) -> bool:
        with suppress(OSError):
            return bool(self._request("/asked"))
        return False

    def set_mode(self, mode: str) -> None:
        self._request("/mode", mode)

    def _request(self, path: str, body: str | None = None) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=body.encode() if body else None,
            method="PUT" if body else "GET",
        )
        with urllib.request.urlopen(request, timeout=2) as reply:  # noqa: S310
            return str(reply.read().decode())


@dataclass(frozen=True)
class Site:
    cloud: UnsteadyModel
    model: TutorModel
    web_clients: list[live.SignedInClient]


def ask(web_client: live.SignedInClient) -> UUID:
    """Ask a question in a new conversation, with the same id until it is accepted."""
    turn_id, end = uuid4(), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError):
            if web_client.post("/tutor/ask", turn_id=turn_id, question="Why is the sky blue?").status == 302:
                return turn_id
        time.sleep(0.3)
    raise TimeoutError(f"Turn {turn_id} was never stored.")


def run_mode(site: Site, mode: str, count: int) -> tuple[list[UUID], float]:
    """Ask `count` questions; in their midst the first model fails in this mode. Returns the turns and the recovery."""
    turns: list[UUID] = []
    site.cloud.set_mode("good")
    with ThreadPoolExecutor(PEOPLE) as people:

        def ask_many(number: int) -> list[UUID]:
            return list(people.map(ask, (site.web_clients * 10)[:number]))

        turns += ask_many(count // 4)
        site.cloud.set_mode(mode)
        began = time.monotonic()
        # Some at once, and some while the breaker already knows.
        turns += ask_many(count // 2)
        while time.monotonic() - began < FAILING_SECONDS:
            time.sleep(0.2)
        turns += ask_many(count - len(turns) - count // 8)
        site.cloud.set_mode("good")
        recovery = measure_recovery(site, turns, count // 8)
    live.wait_until(
        lambda: Turn.objects.filter(pk__in=turns, ended_at=None).count() == 0,
        what=f"every turn to end ({mode})",
        seconds=PATIENCE,
    )
    return turns, recovery


def measure_recovery(site: Site, turns: list[UUID], count: int) -> float:
    """Ask now and then until the first model answers again, at least `count` questions. Returns the seconds."""
    began, recovered, asked = time.monotonic(), 0.0, 0
    while time.monotonic() - began < PATIENCE and not (recovered and asked >= count):
        turn_id = ask(site.web_clients[asked % len(site.web_clients)])
        turns.append(turn_id)
        asked += 1
        time.sleep(1)
        by_cloud = Turn.objects.filter(
            pk__in=turns[-asked:], tutor_model=site.model, state=TurnState.ANSWERED
        )
        if not recovered and by_cloud.exists():
            recovered = time.monotonic() - began
    return recovered or float("inf")


def get_hold_keys(turn: Turn) -> list[UUID]:
    return [turn.pk, *(uuid5(turn.pk, f"hold {number}") for number in range(1, turn.hold_number + 1))]


def tally(turn_ids: list[UUID]) -> dict[str, int]:
    counts = dict.fromkeys(("answered", "fell_back", "refunded", "lost", "double"), 0)
    turns = Turn.objects.in_bulk(turn_ids)
    counts["lost"] = len(set(turn_ids)) - len(turns)
    for turn in turns.values():
        keys = get_hold_keys(turn)
        settled = LedgerEntry.objects.filter(hold__in=keys, kind=EntryKind.SETTLE)
        paid = [(entry.tokens, entry.microdollars) for entry in settled]
        is_open = Hold.objects.filter(pk__in=keys, state=HoldState.HELD).exists()
        words = turn.answer.split()
        expected = [(turn.tokens, turn.microdollars)] if turn.tokens else []
        if turn.is_live or is_open:
            counts["lost"] += 1
        elif paid != expected or len(words) != len(set(words)):
            counts["double"] += 1
        elif turn.state == TurnState.ANSWERED:
            counts["answered"] += 1
            counts["fell_back"] += turn.has_fallen_back
        else:
            counts["refunded"] += 1
    return counts


def measure_routing() -> float:
    """Return what choosing a model takes, in milliseconds: the median of many."""
    times = []
    for _ in range(200):
        began = time.perf_counter()
        usable = list_models()
        rank_models(usable, health=read_health(model.pk for model in usable))
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def run(count: int, modes: list[str], results: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        logs = Path(folder)
        valkey = stack.enter_context(live.running(live.Valkey(logs / "valkey.log")))
        settings.VALKEY_URL = valkey.url
        cloud = stack.enter_context(live.running(UnsteadyModel(logs / "cloud.log")))
        local = stack.enter_context(live.running(UnsteadyModel(logs / "local.log")))
        variables = {
            "VALKEY_URL": valkey.url,
            "TUTOR_BASE_URL": local.url,
            "TUTOR_MODEL": "local",
            "TUTOR_HOSTS": f"127.0.0.1:{cloud.port}",
            "TUTOR_CONCURRENCY": "16",
        }
        settings.TUTOR_HOSTS = [variables["TUTOR_HOSTS"]]
        model = TutorModel.objects.create(
            name="Cloud",
            base_url=cloud.url,
            model_name="cloud",
            position=1,
            first_token_seconds=3.0,
            next_token_seconds=3.0,
            input_price=2_000_000,
            output_price=6_000_000,
        )
        web = stack.enter_context(live.running(live.Web(logs / "web.log", **variables)))
        for number in range(2):
            stack.enter_context(live.running(live.Worker(logs / f"worker-{number}.log", **variables)))
        stack.enter_context(live.running(live.Beat(logs / "beat.log", **variables)))
        people = [
            Person.objects.create_user(f"reader-{number}", role=Role.PARENT) for number in range(PEOPLE)
        ]
        site = Site(cloud, model, [live.SignedInClient(web, person) for person in people])
        for mode in modes:
            turns, recovery = run_mode(site, mode, count // len(modes))
            yield mode, tally(turns) | {"seconds_to_recover": round(recovery, 1)}
        results["routing_ms"] = round(measure_routing(), 3)
    live.wait_until(live.is_alone, what="the site to leave the database")


def measure(count: int, modes: list[str]) -> dict[str, Any]:
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    results: dict[str, Any] = dict.fromkeys(("answered", "fell_back", "refunded", "lost", "double"), 0)
    results["seconds_to_recover"] = 0.0
    try:
        for mode, counts in run(count, modes, results):
            print(f"{mode:14} " + "  ".join(f"{key} {value}" for key, value in counts.items()), flush=True)
            recovery = max(results["seconds_to_recover"], counts.pop("seconds_to_recover"))
            results |= {key: results[key] + value for key, value in counts.items()}
            results["seconds_to_recover"] = recovery
        results["ledger_differences"] = sum(1 for _ in find_ledger_differences())
    finally:
        connection.close()
        teardown_databases(databases, verbosity=0)
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--turns", type=int, default=200)
    arguments.add_argument("--only", choices=FAILURES, help="let it fail only in this way")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure(options.turns, [options.only] if options.only else list(FAILURES))
    print("  ".join(f"{key} {value}" for key, value in results.items()))
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
