"""Measures the admin's desk on a generated site: 100,000 turns, 5,000 people and 200 events.

    python -m benchmarks.desk [--turns 100000] [--people 5000] [--events 200] [--passes 9] [--json]

Every page of the menu is opened by an owner, once to warm up and then `--passes` times. Its time is the median of the
server's work, from the request to the rendered page, in one process. Its CPU time, without the database's, says how
much a busy machine added. `differences` counts what the ledger's sums and its entries differ by after everything, and
how many figures of the first page differ from a sum over the entries: it should be 0. `bulk_grant_s` gives a grant to
every person with a budget, all or none. The page that asks every part how it is waits for their answers and is left
out.

The benchmark creates and drops its own database on the server of DATABASE_URL (without one, start it with
`python -m embedded with -- python -m benchmarks.desk`). With --json the last line is a JSON object.
"""

import argparse
import json
import os
import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db.models import Sum  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from budgets.audit import audit_ledger, find_ledger_differences  # noqa: E402
from budgets.grants import NewGrant, create_grants  # noqa: E402
from budgets.models import Budget, BudgetScope, EntryKind, LedgerEntry  # noqa: E402
from desk.figures import sum_usage  # noqa: E402
from desk.load.generating import LoadSize, generate_load  # noqa: E402
from desk.navigation import PAGES  # noqa: E402

COSTS = (EntryKind.SETTLE, EntryKind.ABSORB, EntryKind.OVERRUN)
# Waits for the answers of other processes.
LEFT_OUT = {"desk:health"}


@dataclass(frozen=True)
class PageFigures:
    """The medians of a page, in milliseconds: of the clock, and of this process's CPU, without the database's."""

    milliseconds: float
    cpu_milliseconds: float
    queries: int


def measure_page(client: Client, address: str, passes: int) -> PageFigures:
    """Open a page a few times, after its redirects. Raises RuntimeError if it does not open."""
    warm = client.get(address, follow=True)
    address = warm.request["PATH_INFO"]
    if warm.status_code != 200:
        raise RuntimeError(f"{address} answers {warm.status_code}.")
    times, cpu_times = [], []
    for _ in range(passes):
        began, cpu_began = time.perf_counter(), time.process_time()
        client.get(address)
        times.append((time.perf_counter() - began) * 1000)
        cpu_times.append((time.process_time() - cpu_began) * 1000)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return PageFigures(statistics.median(times), statistics.median(cpu_times), len(queries))


def list_addresses() -> dict[str, str]:
    menu = {page.route: page.url for page in PAGES if not page.parent and page.route not in LEFT_OUT}
    return {"admin:index": reverse("admin:index")} | menu


def sum_of_differences(owner: Person) -> int:
    """Return how many sums differ from the ledger's entries, with those of today at a glance."""
    now = timezone.now()
    midnight = now.astimezone(owner.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = [midnight, midnight - timedelta(days=6), midnight.replace(day=1)]
    different = sum(1 for _ in find_ledger_differences())
    for found, since in zip(sum_usage(person=owner, now=now), spans, strict=True):
        entries = LedgerEntry.objects.filter(kind__in=COSTS, at__gte=since, at__lte=now)
        expected = entries.aggregate(
            tokens=Sum("tokens", default=0), microdollars=Sum("microdollars", default=0)
        )
        different += (found.tokens, found.microdollars) != (expected["tokens"], expected["microdollars"])
    return different


def give_grants(owner: Person) -> tuple[float, int]:
    """Give a grant to every person with a budget. Return the seconds and how many there were."""
    budgets = list(Budget.objects.filter(scope=BudgetScope.PERSON).order_by("pk"))
    expires_at = timezone.now() + timedelta(days=6)
    new_grants = [
        NewGrant(budget=budget, tokens=1_000, microdollars=0, expires_at=expires_at, reason="A benchmark")
        for budget in budgets
    ]
    began = time.perf_counter()
    create_grants(new_grants=new_grants, by=owner)
    return time.perf_counter() - began, len(budgets)


def measure(size: LoadSize, passes: int) -> dict[str, Any]:
    began = time.perf_counter()
    generate_load(size=size)
    print(f"generated in {time.perf_counter() - began:.1f} s")
    audit_ledger()
    owner = Person.objects.create(username="owner", role=Role.ADMIN, is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(owner)
    pages = {route: measure_page(client, address, passes) for route, address in list_addresses().items()}
    for route, page in pages.items():
        print(
            f"{route:40} {page.milliseconds:7.1f} ms, CPU {page.cpu_milliseconds:7.1f} ms, {page.queries:3} queries"
        )
    seconds, grants = give_grants(owner)
    print(f"{grants:,} grants in {seconds:.1f} s")
    return {
        "slowest_page_ms": round(max(page.milliseconds for page in pages.values()), 1),
        "most_queries": max(page.queries for page in pages.values()),
        "bulk_grant_s": round(seconds, 1),
        "differences": sum_of_differences(owner),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("turns", "people", "events", "days"):
        parser.add_argument(f"--{name}", type=int, default=getattr(LoadSize(), name))
    parser.add_argument("--passes", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        size = LoadSize(turns=args.turns, people=args.people, events=args.events, days=args.days)
        figures = measure(size, args.passes)
    finally:
        connection.close()
        teardown_databases(made, verbosity=0)
    print(json.dumps(figures) if args.json else figures)


if __name__ == "__main__":
    main()
