"""Measures the cost of a hold and its settlement, compared with two bare single-row UPDATE transactions.

    python -m benchmarks.ledger [--clients 16] [--budgets 1000] [--seconds 1] [--passes 7]

Both take two commits. Each person is in a family of four, so every pair of hold and settlement changes a row of the
person, of the family and of the site. "hot" uses one person and "many" a thousand, for the bare UPDATEs too. Clients
are processes with one connection each. The two kinds of work alternate within each pass, so that both run under the
same load. Figures are medians of the passes. The benchmark creates and drops its own database on the server of
DATABASE_URL (without one, start it with `python -m embedded with -- python -m benchmarks.ledger`). The last line is a
JSON object.

`overshoot` is how much was spent or held beyond what was granted, in all budgets together. `leaked` is how many holds
are still open. `differences` counts the sums that differ from the ledger entries. All three should be 0.
"""

import argparse
import json
import multiprocessing
import os
import random
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
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from budgets.allowances import (  # noqa: E402
    create_family_budget,
    get_budget,
    get_site_budget,
    set_allowance,
    set_parent_budget,
)
from budgets.audit import find_ledger_differences  # noqa: E402
from budgets.models import Hold, HoldState, Period  # noqa: E402
from budgets.services import create_hold, settle_hold  # noqa: E402

PLENTY = 10**15
FAMILY = 4
BEFORE = 5
UPDATE = "UPDATE budgets_period SET held = held WHERE id = %s"


@dataclass(frozen=True)
class OwnBudget:
    owner: Person
    period: int


def bare(budget: OwnBudget) -> None:
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(UPDATE, [budget.period])


def ledger(budget: OwnBudget) -> None:
    key = uuid4()
    create_hold(
        owner=budget.owner,
        key=key,
        prompt_tokens=600,
        prompt_microdollars=60,
        answer_tokens=400,
        answer_microdollars=160,
        min_answer_tokens=60,
        lease=timedelta(minutes=20),
    )
    settle_hold(key=key, tokens=700, microdollars=90)


WORKS: dict[str, Callable[[OwnBudget], None]] = {"bare": bare, "ledger": ledger}
PLACES = ("hot", "many")


def main() -> None:
    options = parsed()
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    with database():
        budgets = create_budgets(options.budgets)
        # A forked child must not share its parent's connections.
        hang_up()
        for place, work, rate in measured(budgets, options):
            rates[place, work].append(rate)
        checks = checked()
    medians = {at: statistics.median(passes) for at, passes in rates.items()}
    show(medians, options)
    print(json.dumps(summary(medians, options) | checks))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--budgets", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1.0, help="load in each pass of each work")
    parser.add_argument("--passes", type=int, default=7)
    return parser.parse_args()


@contextmanager
def database() -> Iterator[None]:
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)


def create_budgets(count: int) -> list[OwnBudget]:
    set_allowance(budget=get_site_budget(), tokens=PLENTY, microdollars=PLENTY)
    budgets = []
    for number in range(count):
        if number % FAMILY == 0:
            family = set_allowance(
                budget=create_family_budget(time_zone="UTC"), tokens=PLENTY, microdollars=PLENTY
            )
        owner = Person.objects.create(username=f"client-{number}", role=Role.TEEN)
        budget = set_allowance(budget=get_budget(owner=owner), tokens=PLENTY, microdollars=PLENTY)
        set_parent_budget(owner=owner, parent=family)
        # The first pair begins the periods. The others fill the tables as on an older site: PostgreSQL would plan a
        # sequential scan for a table of a few rows, and keep that plan.
        for _ in range(BEFORE):
            ledger(OwnBudget(owner, 0))
        budgets.append(OwnBudget(owner, budget.periods.get().pk))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return budgets


def measured(budgets: list[OwnBudget], options: argparse.Namespace) -> Iterator[tuple[str, str, float]]:
    """Yield the pairs per second of all clients together, for each place and kind of work of each pass."""
    context = multiprocessing.get_context("fork")
    together, rates = context.Barrier(options.clients), context.Queue()
    children = [
        context.Process(target=client, args=(number, budgets, options, together, rates), daemon=True)
        for number in range(options.clients)
    ]
    for child in children:
        child.start()
    for _ in range(options.passes * len(PLACES) * len(WORKS)):
        reports = [rates.get(timeout=60 + options.seconds) for _ in children]
        place, work, _ = reports[0]
        yield place, work, sum(rate for _, _, rate in reports)
    for child in children:
        child.join()


def client(
    number: int, budgets: list[OwnBudget], options: argparse.Namespace, together: Barrier, rates: Any
) -> None:
    draw = random.Random(number)  # noqa: S311 - which budget comes next
    for _ in range(options.passes):
        for place in PLACES:
            mine = budgets[:1] if place == "hot" else budgets
            for name, work in WORKS.items():
                work(mine[0])
                together.wait()
                rate = pairs_a_second(work, mine, draw, options.seconds)
                # No client begins the next kind of work until all have finished this one.
                together.wait()
                rates.put((place, name, rate))
    hang_up()


def hang_up() -> None:
    connection.close()
    cast("DatabaseWrapper", connection).close_pool()


def pairs_a_second(
    work: Callable[[OwnBudget], None], mine: list[OwnBudget], draw: random.Random, seconds: float
) -> float:
    pairs, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        work(draw.choice(mine))
        pairs += 1
    return pairs / (time.perf_counter() - start)


def checked() -> dict[str, int]:
    """Return the three counts that should be 0."""
    over = 0
    for period in Period.objects.all():
        over += max(0, period.spent + period.held - period.granted)
        over += max(0, period.spent_microdollars + period.held_microdollars - period.granted_microdollars)
    return {
        "overshoot": over,
        "leaked": Hold.objects.filter(state=HoldState.HELD).count(),
        "differences": sum(1 for _ in find_ledger_differences()),
    }


def ratio(medians: dict[tuple[str, str], float], place: str) -> float:
    return medians[place, "ledger"] / medians[place, "bare"]


def show(medians: dict[tuple[str, str], float], options: argparse.Namespace) -> None:
    print(f"Pairs per second, {options.clients} clients, median of {options.passes} passes")
    print("| budgets | two bare UPDATEs | hold and settle | ratio |")
    print("|---|---|---|---|")
    for place in PLACES:
        figures = " | ".join(f"{medians[place, work]:,.0f}" for work in WORKS)
        print(f"| {place} | {figures} | {ratio(medians, place):.2f} |")


def summary(medians: dict[tuple[str, str], float], options: argparse.Namespace) -> dict[str, object]:
    return {
        "benchmark": "ledger",
        "clients": options.clients,
        "budgets": options.budgets,
        "passes": options.passes,
        "seconds": options.seconds,
        **{
            f"{place}_{work}_pairs_a_second": round(medians[place, work], 1)
            for place in PLACES
            for work in WORKS
        },
        **{f"{place}_ratio": round(ratio(medians, place), 3) for place in PLACES},
    }


if __name__ == "__main__":
    main()
