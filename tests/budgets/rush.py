"""Run many holds at once, each on its own connection."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import connections

from accounts.models import Person
from budgets.errors import InsufficientBudget
from budgets.services import release_hold, settle_hold
from tests.budgets.ledger import make_hold
from tests.live import environment


def at_once[T](works: Sequence[Callable[[], T]]) -> list[T]:
    """Call all functions at once, each in its own thread, and return their results."""
    start = threading.Barrier(len(works))

    def alone(work: Callable[[], T]) -> T:
        start.wait()
        try:
            return work()
        finally:
            # Return the connection: the next thread needs it, and the test database is dropped at the end.
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(alone, works))


def holds_at_once(owner: Person, count: int) -> list[int]:
    """Request `count` holds of 400 tokens at once. Return the tokens of each, 0 for a refused one."""

    def ask() -> int:
        try:
            return int(make_hold(owner).tokens)
        except InsufficientBudget:
            return 0

    return at_once([ask] * count)


def pairs_at_once(owners: Sequence[Person], count: int) -> list[int]:
    """Request `count` holds at once, from all owners in turn. Settle every third one and release another third."""

    def ask(number: int) -> int:
        try:
            hold = make_hold(owners[number % len(owners)])
        except InsufficientBudget:
            return 0
        if number % 3 == 0:
            settle_hold(key=hold.key, tokens=number, microdollars=0)
        elif number % 3 == 1:
            release_hold(key=hold.key)
        return int(hold.tokens)

    return at_once([partial(ask, number) for number in range(count)])


SCRIPT = """
import django; django.setup()
import json, sys
from accounts.models import Person
from tests.budgets import rush
work, count, owners = sys.argv[1], int(sys.argv[2]), list(Person.objects.filter(pk__in=sys.argv[3:]))
print("ready", flush=True)
sys.stdin.readline()
asked = rush.pairs_at_once(owners, count) if work == "pairs" else rush.holds_at_once(owners[0], count)
print(json.dumps(asked))
"""


def from_processes(work: str, owners: Sequence[Person], *, processes: int, count: int) -> list[int]:
    """Do the same ("holds" or "pairs") from several processes, with `count` holds each."""
    # Eight processes and the test's own fit into PostgreSQL's default of 100 connections.
    env = environment(DATABASE_POOL="8")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, work, str(count), *(str(owner.pk) for owner in owners)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("now\n")
        child.stdin.flush()
    return [tokens for child in children for tokens in json.loads(child.communicate()[0])]
