"""What the ledger costs: a hold and its settling, beside two bare single-row UPDATEs.

    python benchmarks/ledger.py [--clients 16] [--seconds 1] [--passes 5] [--json]

Both take two commits. The bare ones are said twice: alone ("bare"), where the statement is the transaction,
and as a service is usually written, between BEGIN and COMMIT ("begun"). Clients are processes, with a
connection each; passes alternate between the works, so that a busy machine is busy for all; figures are
medians of the passes. It runs on a database of its own, made and dropped on the server of DATABASE_URL.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from typing import Any, cast
from uuid import uuid4

import django
from django.db import connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from budgets.models import Budget, Period  # noqa: E402
from budgets.services import hold_make, hold_release, hold_settle  # noqa: E402

PLENTY = 2_000_000_000
UPDATE = "UPDATE budgets_period SET held = held WHERE id = %s"


@dataclass(frozen=True)
class Purse:
    owner: Person
    period: Period


def bare(purse: Purse) -> None:
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(UPDATE, [purse.period.pk])


def begun(purse: Purse) -> None:
    for _ in range(2):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(UPDATE, [purse.period.pk])


def ledger(purse: Purse) -> None:
    key = uuid4()
    hold_make(
        owner=purse.owner,
        key=key,
        prompt_tokens=600,
        answer_tokens=400,
        least_answer_tokens=60,
        lease=timedelta(minutes=20),
    )
    hold_settle(key=key, tokens=700, microdollars=0)


WORKS: dict[str, Callable[[Purse], None]] = {"bare": bare, "begun": begun, "ledger": ledger}
PLACES = ("hot", "many")


def main() -> None:
    options = parsed()
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    with database():
        purses = [purse(number) for number in range(options.clients)]
        # A forked child must not share its parent's connections.
        hang_up()
        for place, work, rate in measured(purses, options):
            rates[place, work].append(rate)
    medians = {at: statistics.median(passes) for at, passes in rates.items()}
    show(medians, options)
    if options.json:
        print(json.dumps(summary(medians, options)))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0, help="load in each pass of each work")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return parser.parse_args()


@contextmanager
def database() -> Iterator[None]:
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)


def purse(number: int) -> Purse:
    owner = Person.objects.create(username=f"client-{number}", role=Role.TEEN)
    Budget.objects.create(owner=owner, daily_tokens=PLENTY)
    hold = hold_make(
        owner=owner,
        key=uuid4(),
        prompt_tokens=0,
        answer_tokens=1,
        least_answer_tokens=1,
        lease=timedelta(minutes=20),
    )
    hold_release(key=hold.key)
    return Purse(owner, hold.period)


def measured(purses: list[Purse], options: argparse.Namespace) -> Iterator[tuple[str, str, float]]:
    """Pairs a second of all clients together, for each place and work of each pass."""
    context = multiprocessing.get_context("fork")
    together, told = context.Barrier(options.clients), context.Queue()
    children = [
        context.Process(target=client, args=(number, purses, options, together, told), daemon=True)
        for number in range(options.clients)
    ]
    for child in children:
        child.start()
    for _ in range(options.passes * len(PLACES) * len(WORKS)):
        reports = [told.get(timeout=60 + options.seconds) for _ in children]
        place, work, _ = reports[0]
        yield place, work, sum(rate for _, _, rate in reports)
    for child in children:
        child.join()


def client(
    number: int, purses: list[Purse], options: argparse.Namespace, together: Barrier, told: Any
) -> None:
    for _ in range(options.passes):
        for place in PLACES:
            for name, work in WORKS.items():
                mine = purses[0] if place == "hot" else purses[number]
                work(mine)
                together.wait()
                rate = pairs_a_second(work, mine, options.seconds)
                # Nobody begins the next work while this one is running.
                together.wait()
                told.put((place, name, rate))
    hang_up()


def hang_up() -> None:
    connection.close()
    cast("DatabaseWrapper", connection).close_pool()


def pairs_a_second(work: Callable[[Purse], None], mine: Purse, seconds: float) -> float:
    pairs, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        work(mine)
        pairs += 1
    return pairs / (time.perf_counter() - start)


def ratio(medians: dict[tuple[str, str], float], place: str, yardstick: str) -> float:
    return medians[place, "ledger"] / medians[place, yardstick]


def show(medians: dict[tuple[str, str], float], options: argparse.Namespace) -> None:
    print(f"Pairs a second, {options.clients} clients, median of {options.passes} passes")
    print("| budgets | bare | begun | ledger | of bare | of begun |")
    print("|---|---|---|---|---|---|")
    for place in PLACES:
        figures = " | ".join(f"{medians[place, work]:,.0f}" for work in WORKS)
        ratios = " | ".join(f"{ratio(medians, place, yardstick):.2f}" for yardstick in ("bare", "begun"))
        print(f"| {place} | {figures} | {ratios} |")


def summary(medians: dict[tuple[str, str], float], options: argparse.Namespace) -> dict[str, object]:
    return {
        "benchmark": "ledger",
        "clients": options.clients,
        "passes": options.passes,
        "seconds": options.seconds,
        **{
            place: {
                **{f"{work}_pairs_a_second": round(medians[place, work], 1) for work in WORKS},
                "of_bare": round(ratio(medians, place, "bare"), 3),
                "of_begun": round(ratio(medians, place, "begun"), 3),
            }
            for place in PLACES
        },
    }


if __name__ == "__main__":
    main()
