"""Measures how often search finds the right lesson, and how often a question without one still gets one.

    .venv/bin/python -m embedded with -- .venv/bin/python -m benchmarks.retrieval [--set open] [--misses] [--json]

The sets that end in `_es` are asked in Spanish, and answered with the Spanish lessons. Those of school questions have
none that a lesson covers.

Lessons are ranked by their best passage. `benchmarks/lesson_questions/README.md` says where the questions come from.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.test.utils import setup_databases, teardown_databases  # noqa: E402 - models need the settings first
from django.utils import translation  # noqa: E402

from chat.selectors import find_question_passages  # noqa: E402
from courses.authoring.loading import load_library  # noqa: E402
from courses.retrieval.search import find_passages  # noqa: E402

SETS = Path(__file__).parent / "lesson_questions"
SET_NAMES = ["blind", "blind_es", "open", "open_es", "school", "school_es"]
# Enough passages for three lessons even if all passages of one lesson come first.
MAX_PASSAGES = 30


@dataclass(frozen=True)
class Asked:
    """A question with the lessons that cover it: `lessons` as first written, `also` added on reading them."""

    id: str
    text: str
    lessons: list[str]
    also: list[str]

    @property
    def right(self) -> set[str]:
        return {*self.lessons, *self.also}

    @property
    def is_near(self) -> bool:
        """Whether it is about AI but no lesson covers it."""
        return "near-" in self.id


@dataclass(frozen=True)
class Answered:
    asked: Asked
    ranked: list[str]
    cited: list[str]
    ms: float

    def rank(self, right: set[str]) -> int:
        """The rank of the first right lesson, from 1; 0 if none is found."""
        return next((place for place, lesson in enumerate(self.ranked, 1) if lesson in right), 0)


def read_questions(name: str) -> list[Asked]:
    return [Asked(**json.loads(line)) for line in (SETS / f"{name}.jsonl").read_text().splitlines()]


def answered(asked: Asked) -> Answered:
    """Return what search and the tutor find for a question."""
    began = time.perf_counter()
    cited = find_question_passages(asked.text, remembered=[])
    ms = (time.perf_counter() - began) * 1000
    ranked = list_lessons(passage.key for passage in find_passages(asked.text, most=MAX_PASSAGES))
    return Answered(asked, ranked, list_lessons(passage.key for passage in cited), ms)


def list_lessons(keys: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(key.partition("#")[0] for key in keys))


def compute_figures(answers: list[Answered]) -> dict[str, float]:
    covered = [answer for answer in answers if answer.asked.right]
    near = [answer for answer in answers if answer.asked.is_near]
    elsewhere = [answer for answer in answers if not answer.asked.right and not answer.asked.is_near]
    ranks = [answer.rank(answer.asked.right) for answer in covered]
    first_labels = [answer.rank(set(answer.asked.lessons)) for answer in covered]
    return {
        "covered": len(covered),
        "recall_at_1": share(rank == 1 for rank in ranks),
        "recall_at_3": share(0 < rank <= 3 for rank in ranks),
        "recall_at_3_as_first_labelled": share(0 < rank <= 3 for rank in first_labels),
        "mrr": round(statistics.fmean(1 / rank if rank else 0 for rank in ranks), 3) if ranks else 0.0,
        "cited_rightly_by_the_tutor": share(
            bool(answer.asked.right & set(answer.cited)) for answer in covered
        ),
        "uncovered": len(elsewhere),
        "uncovered_that_are_cited": sum(bool(answer.cited) for answer in elsewhere),
        "near": len(near),
        "near_that_are_cited": sum(bool(answer.cited) for answer in near),
        "median_ms": round(statistics.median(answer.ms for answer in answers), 1),
    }


def share(hits: Iterable[bool]) -> float:
    """Return the share of hits; 0 if there is nothing to hit."""
    return round(statistics.fmean(counted), 3) if (counted := list(hits)) else 0.0


@contextmanager
def library() -> Iterator[None]:
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    try:
        load_library()
        yield
    finally:
        teardown_databases(made, verbosity=0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=SET_NAMES, default="blind")
    parser.add_argument("--misses", action="store_true", help="name what went wrong; not of a blind set")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    language = "es" if options.set.endswith("_es") else "en"
    with library(), translation.override(language):
        answers = [answered(asked) for asked in read_questions(options.set)]
    if options.misses and not options.set.startswith("blind"):
        show_misses(answers)
    figures = compute_figures(answers)
    for name, figure in figures.items():
        print(f"{name.replace('_', ' '):32} {figure:g}")
    if options.json:
        print(json.dumps({"benchmark": "retrieval", "set": options.set, **figures}))


def show_misses(answers: list[Answered]) -> None:
    for answer in answers:
        if not answer.asked.right and answer.cited:
            print(f"cited   {answer.asked.text!r}: {answer.cited}")
        elif answer.asked.right and not 0 < answer.rank(answer.asked.right) <= 3:
            print(f"missed  {answer.asked.text!r}: {answer.ranked[:3]}, not {answer.asked.lessons}")


if __name__ == "__main__":
    main()
