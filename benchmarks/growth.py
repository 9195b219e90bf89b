"""Measures whether an answer costs more in a long conversation, with many lessons, or on a large site.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.growth [--passes 5] [--turns 1000000] [--json]

One answer at a time goes through the whole site, as in benchmarks/streaming.py: questions of five words, in a
conversation of one earlier turn. Then each of these grows alone:

- `past10` and `past100`: the conversation has 10 and 100 earlier turns.
- `library`: ten times the lessons, passages and phrases.
- `site`: 1,000,000 turns of 100,000 people with their ledger (`manage.py generate_load` writes them too).

Each pass measures the small site and the grown ones in turns, so that both run under the same load. The library is
grown and shrunk in each pass. A large site cannot be made small again in a moment: its figures are relative to those of
the last passes before. Figures are medians over the passes of ratios to the small site: time to the first text, and
CPU time of web, worker and PostgreSQL (with its autovacuum). `small_ms` has the milliseconds of the small site, and
`statements` how many asking takes. `worst` is the largest ratio. Goal: 1.2.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: E402

from accounts.models import Person  # noqa: E402
from benchmarks.streaming import (  # noqa: E402
    Load,
    Measured,
    Mock,
    Site,
    ask_directly,
    ask_site,
    choose_questions,
    create_people,
    site,
)
from chat.turns import queue  # noqa: E402
from courses.models import Lesson, LessonWord, Module, Passage, Phrase  # noqa: E402
from courses.retrieval.current_index import note_library_change  # noqa: E402
from desk.load.generating import LoadSize, generate_load  # noqa: E402
from guard import load_guard  # noqa: E402
from tests import live  # noqa: E402
from tests.library import fill_library  # noqa: E402
from tests.statements import count_statements  # noqa: E402

COUNT = 40
SMALL = Load(at_a_time=1, pause=0, count=COUNT, people=10 * COUNT, past_turns=1)
CONVERSATIONS = {"past10": 10, "past100": 100}
TIMES = 10
# Turns for each person of the large site.
TURNS_PER_PERSON = 10
PROCESSES = "web", "worker", "postgres"
type Figures = dict[str, float]


def read_figures(measured: Measured) -> Figures:
    """Return the median time to the first text and the CPU times of a stream, in milliseconds."""
    return {"first": measured.first_ms(0.5)} | {name: measured.cpu_ms(name) for name in PROCESSES}


def measure_once(running: Site, mock: Mock, people: deque[Person], past_turns: int = 1) -> Figures:
    grown = replace(SMALL, past_turns=past_turns)
    direct = ask_directly(mock, grown).first_ms(0.5)
    # Each time other people ask: no one uses up their budget of a day.
    people.rotate(COUNT)
    measured = ask_site(running, list(people)[:COUNT], grown)
    if measured.failed:
        print(f"  {measured.failed} streams failed", file=sys.stderr)
    figures = read_figures(measured)
    return figures | {"first": figures["first"] - direct}


@contextmanager
def grown_library(times: int) -> Iterator[None]:
    """Copy every lesson of the library until there are `times` as many, and delete the copies afterwards."""
    modules = list(Module.objects.order_by("pk"))
    with transaction.atomic():
        for number in range(2, times + 1):
            for module in modules:
                _copy_module(module, number)
        LessonWord.objects.update(passages=F("passages") * times)
        note_library_change()
    _analyze()
    try:
        yield
    finally:
        with transaction.atomic():
            Module.objects.filter(pk__gt=modules[-1].pk).delete()
            LessonWord.objects.update(passages=F("passages") / times)
            note_library_change()
        _analyze()


def _copy_module(module: Module, number: int) -> None:
    lessons = list(Lesson.objects.filter(module=module))
    passages = list(Passage.objects.filter(lesson__in=lessons))
    phrases = list(Phrase.objects.filter(passage__in=passages))
    [copied] = Module.objects.bulk_create([_copy(module, slug=f"{module.slug}-{number}")])
    new_lessons = Lesson.objects.bulk_create([_copy(lesson, module=copied) for lesson in lessons])
    lesson_of = dict(zip((lesson.pk for lesson in lessons), new_lessons, strict=True))
    new_passages = Passage.objects.bulk_create(
        [
            _copy(passage, lesson=lesson_of[passage.lesson_id], key=f"{passage.key}-{number}")
            for passage in passages
        ]
    )
    passage_of = dict(zip((passage.pk for passage in passages), new_passages, strict=True))
    Phrase.objects.bulk_create([_copy(phrase, passage=passage_of[phrase.passage_id]) for phrase in phrases])


def _copy[M: (Module, Lesson, Passage, Phrase)](row: M, **changed: object) -> M:
    """Return an unsaved copy of a row."""
    copied = copy(row)
    copied.pk = None
    for name, value in changed.items():
        setattr(copied, name, value)
    return copied


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def count_asking(mock: Mock, name: str) -> int:
    """Return the statements of asking, once everything that is kept was read."""
    settings.TUTOR_BASE_URL, settings.TUTOR_MODEL = mock.url, "mock-0"
    [person] = create_people(name, 1)
    with patch.object(queue, "nudge_worker"):
        return count_statements(person, choose_questions(SMALL.words)[0]).counts["asking"]


def measure(passes: int, turns: int) -> dict[str, Any]:
    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False)
    measured: dict[str, list[tuple[Figures, Figures]]] = {}

    def note(name: str, small: Figures, grown: Figures) -> None:
        measured.setdefault(name, []).append((small, grown))
        pairs = ", ".join(f"{key} {small[key]:.1f} -> {grown[key]:.1f}" for key in small)
        print(f"  {name}: {pairs}", file=sys.stderr)

    try:
        fill_library()
        load_guard()
        people = deque(create_people("growth", SMALL.people))
        statements = {}
        with tempfile.TemporaryDirectory() as folder:
            logs = Path(folder)
            with live.running(Mock(logs / "mock.log")) as mock:
                statements["small"] = count_asking(mock, "small")
                with site(logs, mock, SMALL.pause) as running:
                    # A first question makes its asker's budget.
                    ask_site(running, list(people), replace(SMALL, count=len(people), at_a_time=8))
                    for _pass in range(passes):
                        small = measure_once(running, mock, people)
                        for name, past_turns in CONVERSATIONS.items():
                            note(name, small, measure_once(running, mock, people, past_turns))
                        with grown_library(TIMES):
                            # The first question reads the index again.
                            measure_once(running, mock, people)
                            note("library", small, measure_once(running, mock, people))
                        measure_once(running, mock, people)
                    before = [measure_once(running, mock, people) for _pass in range(passes)]
                    began = time.perf_counter()
                    generate_load(size=LoadSize(turns=turns, people=max(10, turns // TURNS_PER_PERSON)))
                    _analyze()
                    print(
                        f"  generated {turns:,} turns in {time.perf_counter() - began:.0f} s", file=sys.stderr
                    )
                    measure_once(running, mock, people)
                    for small in before:
                        note("site", small, measure_once(running, mock, people))
                statements["site"] = count_asking(mock, "site")
            live.wait_until(live.is_alone, what="the site to leave the database")
    finally:
        teardown_databases(made, verbosity=0)
    return summarize(measured) | {"statements": statements}


def summarize(measured: dict[str, list[tuple[Figures, Figures]]]) -> dict[str, Any]:
    """Return the medians of the ratios of each growth, and of the figures themselves."""
    ratios = {
        name: {
            key: round(statistics.median(grown[key] / max(small[key], 0.1) for small, grown in pairs), 2)
            for key in pairs[0][0]
        }
        for name, pairs in measured.items()
    }
    return {
        "ratios": ratios,
        "worst": max(value for row in ratios.values() for value in row.values()),
        "small_ms": {
            key: round(statistics.median(small[key] for small, _grown in measured["past10"]), 1)
            for key in ("first", *PROCESSES)
        },
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--passes", type=int, default=5)
    arguments.add_argument("--turns", type=int, default=1_000_000)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    results = measure(options.passes, options.turns)
    for name, value in results.items():
        print(f"{name:12} {value}")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
