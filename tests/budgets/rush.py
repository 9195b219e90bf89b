"""Many holds at one moment, on connections of their own."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from accounts.models import Person
from budgets.errors import BudgetShort
from tests.budgets.purse import hold_for
from tests.live import environment


def at_once[T](works: Sequence[Callable[[], T]]) -> list[T]:
    """Do all works at one moment, each in a thread of its own, and return what they return."""
    start = threading.Barrier(len(works))

    def alone(work: Callable[[], T]) -> T:
        start.wait()
        try:
            return work()
        finally:
            # Back to the pool: the next thread waits for it, and the test's database is dropped in the end.
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(alone, works))


def holds_at_once(owner: Person, count: int) -> list[int]:
    """Ask for `count` holds of 400 tokens at once. Returns the tokens of each; 0 for one that was refused."""

    def ask() -> int:
        try:
            return int(hold_for(owner).tokens)
        except BudgetShort:
            return 0

    return at_once([ask] * count)


SCRIPT = """
import django; django.setup()
import json, sys
from accounts.models import Person
from tests.budgets.rush import holds_at_once
owner, count = Person.objects.get(pk=sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(holds_at_once(owner, count)))
"""


def holds_from_processes(owner: Person, *, processes: int, count: int) -> list[int]:
    """The same from several processes, `count` holds each."""
    # Eight processes and the test's own fit into PostgreSQL's connections, which are a hundred by default.
    env = environment(DATABASE_POOL="8")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(owner.pk), str(count)],
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
