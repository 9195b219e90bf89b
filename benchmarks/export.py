"""Measures the time and the peak memory of exporting a person's data.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.export [--turns 1000 4000] [--json]

Each export is made twice, in separate processes: once for its time and the growth of its resident memory, and once
under tracemalloc, which counts Python's allocations and is slow. Each process first exports a person with ten turns, so
that imports and templates are not counted. Memory must not grow with the number of turns: a thousand turns are two
megabytes of text, and an export contains them twice.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import django
import psutil
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.test.utils import setup_databases, teardown_databases  # noqa: E402 - models need the settings first
from django.utils import timezone  # noqa: E402

from accounts.models import Person, Role  # noqa: E402
from chat.models import Conversation, Turn, TurnState  # noqa: E402
from privacy.archive import build_archive  # noqa: E402
from tests.live import environment  # noqa: E402

TURNS_PER_CONVERSATION = 20
WARM_UP = "warm-up"
# A question of three sentences and the longest answer of the demo, 400 tokens, in letters.
QUESTION_LETTERS, ANSWER_LETTERS = 250, 1800
SEED = 20261122


def main() -> None:
    options = parse_options()
    if options.only:
        print(json.dumps(measure(options.only, traced=options.traced)))
        return
    with database():
        create_person(WARM_UP, 10)
        for turns in options.turns:
            create_person(str(turns), turns)
        figures = {turns: measure_in_processes(str(turns)) for turns in options.turns}
    show(figures)
    if options.json:
        print(json.dumps({"benchmark": "export", "turns": figures}))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--only", default="", help=argparse.SUPPRESS)
    parser.add_argument("--traced", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def database() -> Iterator[None]:
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)


def create_person(username: str, turns: int) -> None:
    """Create a person with this many turns, in conversations of twenty, each with an answer of the greatest length."""
    person = Person.objects.create(username=username, role=Role.TEEN)
    now, chance = timezone.now(), random.Random(SEED)  # noqa: S311 - words, not secrets
    for first in range(0, turns, TURNS_PER_CONVERSATION):
        conversation = Conversation.objects.create(owner=person, title=f"Walnuts {first}")
        Turn.objects.bulk_create(
            Turn(
                pk=uuid4(),
                conversation=conversation,
                asked_at=now + timedelta(minutes=number),
                question=words(chance, QUESTION_LETTERS),
                answer=words(chance, ANSWER_LETTERS),
                state=TurnState.ANSWERED,
                ended_at=now,
            )
            for number in range(first, min(first + TURNS_PER_CONVERSATION, turns))
        )


def words(chance: random.Random, letters: int) -> str:
    """Return random words that compress about as well as real text."""
    text = ""
    while len(text) < letters:
        text += "".join(chance.choices("eeettaaooinnsrhldcum", k=chance.randint(2, 9))) + " "
    return text


def measure_in_processes(username: str) -> dict[str, float]:
    """Measure in separate processes, on this process's database."""
    figures: dict[str, float] = {}
    for more in ([], ["--traced"]):
        command = [sys.executable, "-m", "benchmarks.export", "--only", username, *more]
        done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
        figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(username: str, *, traced: bool) -> dict[str, float]:
    person = Person.objects.get(username=username)
    build_archive(person=Person.objects.get(username=WARM_UP)).close()
    if traced:
        tracemalloc.start()
        build_archive(person=person).close()
        figures = {"tracemalloc_mb": tracemalloc.get_traced_memory()[1] / 1e6}
    else:
        with peak() as grown:
            started = time.perf_counter()
            spool = build_archive(person=person)
            seconds = time.perf_counter() - started
        size = spool.seek(0, os.SEEK_END)
        figures = {"seconds": seconds, "rss_grown_mb": grown["bytes"] / 1e6, "zip_mb": size / 1e6}
    connection.close()
    return {name: round(figure, 3) for name, figure in figures.items()}


@contextmanager
def peak() -> Iterator[dict[str, int]]:
    """Record the maximum growth of the process's resident memory, sampled every two milliseconds."""
    process, over, grown = psutil.Process(), threading.Event(), {"bytes": 0}
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.002):
            grown["bytes"] = max(grown["bytes"], process.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield grown
    finally:
        over.set()
        watcher.join()


def show(figures: dict[int, Any]) -> None:
    print("| turns | seconds | zip, MB | tracemalloc peak, MB | RSS grown, MB |")
    print("|---|---|---|---|---|")
    for turns, seen in figures.items():
        print(
            f"| {turns:,} | {seen['seconds']:.2f} | {seen['zip_mb']:.2f} "
            f"| {seen['tracemalloc_mb']:.2f} | {seen['rss_grown_mb']:.2f} |"
        )


if __name__ == "__main__":
    main()
