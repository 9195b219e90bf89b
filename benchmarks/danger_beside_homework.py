"""Measures whether the guard finds danger within homework, how often homework gets a card, and the time it takes.

    .venv/bin/python -m benchmarks.danger_beside_homework [--data DIR] [--json]

Each message of beside_homework/danger.jsonl is judged alone, and before, within and after 200, 2,000 and 8,000 letters
of homework in English and in Spanish. DIR has the public sets mathdial_test.jsonl, dolly_1k.csv and mmlu_1k.csv,
unchanged; with it, and with the lessons of this repository, 500 long study texts are judged too. Times are
milliseconds of one thread.
"""

import argparse
import csv
import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from guard import Verdict, judge_conversation

FOLDER = Path(__file__).parent / "beside_homework"
LESSONS = Path(__file__).parents[1] / "courses" / "content"
PLACES, LENGTHS, LANGUAGES = ("start", "middle", "end"), (200, 2000, 8000), ("en", "es")
LONGEST = 65536
# Their subject is danger, so a card is not a mistake. They are counted separately.
ON_DANGER = ("mental-health", "social")
_ASKED = re.compile(r"^:::(?:asked|phrases)\n.*?^:::$", re.DOTALL | re.MULTILINE)
_SPEAKER = re.compile(r"\b(?:Teacher|[A-Z]\w+): (?:\(\w+\))?")


class Message(NamedTuple):
    """A message in danger. `kind` is "crisis" or "unsafe_home"."""

    id: str
    kind: str
    language: str
    text: str


def messages() -> list[Message]:
    return [Message(**row) for row in _read_rows(FOLDER / "danger.jsonl")]


def homework(language: str, length: int, *, seed: int) -> str:
    """Return homework of about this many letters in one language. The seed selects and orders paragraphs."""
    paragraphs = [row["text"] for row in _read_rows(FOLDER / "homework.jsonl") if row["language"] == language]
    random.Random(seed).shuffle(paragraphs)  # noqa: S311
    while sum(map(len, paragraphs)) < length:
        paragraphs *= 2
    return "\n\n".join(paragraphs)[:length]


def beside(danger: str, study: str, place: str) -> str:
    """Put a message as a paragraph at the start, in the middle or at the end of homework."""
    if place == "start":
        return f"{danger}\n\n{study}"
    if place == "end":
        return f"{study}\n\n{danger}"
    middle = study.find(". ", len(study) // 2) + 1 or len(study) // 2
    return f"{study[:middle]}\n\n{danger}\n\n{study[middle:].lstrip()}"


def run_on(danger: str, study: str) -> str:
    """Put the message in the middle and remove punctuation and capitals."""
    words, cry = ([*re.sub(r"[^\w' ]", " ", text).lower().split()] for text in (study, danger))
    middle = len(words) // 2
    return " ".join([*words[:middle], *cry, *words[middle:]])


def study_texts(data: Path, lessons: Path = LESSONS) -> dict[str, list[str]]:
    """Return long harmless texts: dialogues of a student and a teacher, questions and answers, exercises, lessons."""
    dialogues = (
        f"{row['question']}\n{row['conversation']}" for row in _read_rows(data / "mathdial_test.jsonl")
    )
    answers = (" ".join(filter(None, row.values())) for row in _read_table(data / "dolly_1k.csv"))
    exercises = [row["prompt"] for row in _read_table(data / "mmlu_1k.csv")]
    folders = [folder for folder in sorted(lessons.rglob("*")) if folder.is_dir()]
    on_danger = [page for folder in folders for page in prose(folder, on_danger=True)]
    return {
        "mathdial": [_SPEAKER.sub("", text).replace("|EOM|", "\n") for text in dialogues][:200],
        "dolly": [text for text in answers if len(text) >= 600][:160],
        "mmlu": ["\n\n".join(exercises[n : n + 5]) for n in range(0, 500, 5)],
        "lessons": [page for folder in folders for page in prose(folder)][:40],
        "lessons on danger": on_danger,
    }


def prose(folder: Path, *, on_danger: bool = False) -> list[str]:
    """Return a folder's lessons without their search phrases, some of which are calls for help."""
    if (folder.name in ON_DANGER) != on_danger:
        return []
    return [_ASKED.sub("", file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.md"))]


def judged(text: str) -> Verdict:
    return judge_conversation([("user", text)])


def measure_danger(messages: Sequence[Message], lengths: Sequence[int] = LENGTHS) -> dict[str, Any]:
    """Count messages that get a card: alone, and by kind, position, length and language of the homework."""
    alone = [message for message in messages if judged(message.text).is_crisis]
    carded, missed = Counter[str](), Counter[str]()
    for seed, message in enumerate(messages):
        for length in lengths:
            for language in LANGUAGES:
                study = homework(language, length, seed=seed)
                forms = {place: beside(message.text, study, place) for place in PLACES}
                for form, text in {**forms, "run-on": run_on(message.text, study)}.items():
                    is_carded = judged(text).is_crisis
                    carded[f"{message.kind} {length} {form} {language}"] += is_carded
                    missed[f"{message.id} {form}"] += not is_carded
    return {
        "messages": Counter(message.kind for message in messages),
        "alone": Counter(message.kind for message in alone),
        "carded": dict(carded),
        "missed": {name: count for name, count in missed.items() if count},
    }


def measure_study(sets: dict[str, list[str]]) -> dict[str, Any]:
    verdicts = {name: [judged(text) for text in texts] for name, texts in sets.items()}
    return {
        name: {
            "texts": len(judged_texts),
            "carded": sum(verdict.is_crisis for verdict in judged_texts),
            "paused": sum(verdict.level == "2" for verdict in judged_texts),
        }
        for name, judged_texts in verdicts.items()
    }


def measure_time(list_texts: Callable[[int], Iterator[str]]) -> dict[str, Any]:
    """Return milliseconds of CPU time for texts of each length."""
    times = {}
    for length, count in ((200, 60), (2000, 40), (8000, 15), (LONGEST, 3)):
        took = sorted(
            _measure_judging(text) for text, _ in zip(list_texts(length), range(count), strict=False)
        )
        times[str(length)] = {
            "median_ms": round(statistics.median(took), 1),
            "p95_ms": round(took[len(took) * 95 // 100], 1),
        }
    return times


def hostile() -> dict[str, str]:
    """Return the slowest 64 kB: many short sentences, of harmless words and of words that sound like danger."""
    chance = random.Random(3)  # noqa: S311
    grave = ["i", "want", "to", "die", "kill", "myself", "cut", "pills", "he", "hits", "me", "scared", "dad"]
    few = [f"{chance.choice(grave)} {number}" for number in range(12000)]
    return {
        "short sentences": ". ".join(f"{word}{n}" for n, word in enumerate(few)),
        "danger in lines": "\n".join(" ".join(chance.choices(grave, k=5)) for _ in range(4000)),
        "danger without a sign": " ".join(chance.choices(grave, k=20000)),
        "no spaces": "".join(chance.choices(grave, k=20000)),
    }


def _measure_judging(text: str) -> float:
    started = time.thread_time()
    judged(text)
    return (time.thread_time() - started) * 1000


def _generate_homework(length: int) -> Iterator[str]:
    seed = 0
    while True:
        yield homework(LANGUAGES[seed % 2], length, seed=seed)
        seed += 1


def _read_rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _read_table(file: Path) -> list[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--json", action="store_true", help="print nothing but one JSON object")
    options = arguments.parse_args()
    judged("hello")
    result = {
        "times": measure_time(_generate_homework),
        "hostile_ms": {name: round(_measure_judging(text[:LONGEST]), 1) for name, text in hostile().items()},
        "study": measure_study(study_texts(options.data)) if options.data else {},
        "danger": measure_danger(messages()),
    }
    print(json.dumps(result, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
