"""Convert the public data sets to one format, a file of JSON lines for each: {"text", "labels"}.

    .venv/bin/python -m training.convert FOLDER TO

FOLDER holds the sets unchanged, under the names that docs/guard-model.md lists. Missing sets are skipped.
"""

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from guard import Category
from training.examples import HARM_TO_SELF, HEADS, REQUESTS, Example, write_examples

csv.field_size_limit(10_000_000)
C = Category
NOTHING: frozenset[Category] = frozenset()
ALL = frozenset(HEADS)
ORDINARY_DESPITE_WORDS = Path(__file__).parent / "everyday_danger_words.txt"


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table file of any format."""
    with file.open(encoding="utf-8", newline="") as lines:
        if file.suffix == ".csv":
            yield from csv.DictReader(lines)
        elif file.suffix == ".jsonl":
            yield from map(json.loads, lines)
        else:
            yield from json.load(lines)


def moderation(file: Path) -> Iterator[Example]:
    """Its letters are categories; a missing letter means not labeled."""
    letters = {"SH": HARM_TO_SELF, "S": {C.SEXUAL}, "H": {C.HATE}, "V": {C.VIOLENCE}}
    for row in rows(file):
        known = {
            c for letter, categories in letters.items() if row.get(letter) is not None for c in categories
        }
        # It does not distinguish three categories of danger; the first is by far the most frequent.
        labels = {
            C.SUICIDE if letter == "SH" else next(iter(categories))
            for letter, categories in letters.items()
            if row.get(letter) == 1
        }
        if row.get("SH") == 1:
            known -= HARM_TO_SELF - {C.SUICIDE}
        if row.get("S3") == 1:
            labels.add(C.SEXUAL)
            known.add(C.SEXUAL)
        yield Example(row["prompt"], frozenset(labels), frozenset(known))


def hazards(file: Path) -> Iterator[Example]:
    """Most prompts ask for help with the hazard, some only mention it; all have the hazard's label."""
    named = {
        "ssh": {C.SUICIDE},
        "cse": {C.CRIME},
        "src": {C.SEXUAL},
        "sxc_prn": {C.SEXUAL},
        "vcr": {C.VIOLENCE},
        "iwp": {C.VIOLENCE},
        "ncr": {C.CRIME},
        "hte": {C.HATE},
        "spc_hlt": {C.MEDICAL},
        "spc_lgl": {C.LEGAL},
    }
    unsure = {"ssh": HARM_TO_SELF, "cse": {C.SEXUAL, C.EXPLOITATION}, "src": {C.CRIME}, "vcr": {C.CRIME, C.HATE},
              "iwp": {C.CRIME}, "ncr": {C.VIOLENCE, C.DRUGS}, "prv": {C.CRIME}, "hte": {C.VIOLENCE}}  # fmt: skip
    for row in rows(file):
        labels = frozenset(named.get(row["hazard"], ()))
        known = ALL - (frozenset(unsure.get(row["hazard"], ())) - labels)
        yield Example(row["prompt_text"], labels, known)


def behaviors(file: Path) -> Iterator[Example]:
    named = {
        "chemical_biological": {C.VIOLENCE},
        "illegal": {C.CRIME},
        "cybercrime_intrusion": {C.CRIME},
        "harassment_bullying": {C.HATE},
    }
    open_questions = frozenset({C.CRIME, C.VIOLENCE, C.HATE, C.DRUGS, C.SEXUAL, *HARM_TO_SELF})
    for row in rows(file):
        labels = frozenset(named.get(row["SemanticCategory"], ()))
        yield Example(row["Behavior"], labels, ALL - (open_questions - labels))


def hateful(file: Path) -> Iterator[Example]:
    for row in rows(file):
        labels = frozenset({C.HATE}) if row["label_gold"] == "hateful" else NOTHING
        # Insults mention violence and death but were not labeled for them.
        yield Example(row["test_case"], labels, frozenset({C.HATE}))


def jailbreaks(file: Path) -> Iterator[Example]:
    for row in rows(file):
        yield Example(row["prompt"], frozenset({C.INJECTION}), ALL - (REQUESTS - {C.INJECTION}))


def injections(file: Path) -> Iterator[Example]:
    for row in rows(file):
        yield Example(row["user_input"], frozenset({C.INJECTION}), frozenset({C.INJECTION}))


def support(file: Path) -> Iterator[Example]:
    """Adults asking a counselor. The topics are too coarse for levels, and none is a request to refuse."""
    sure = {
        "depression": C.DISTRESS,
        "anxiety": C.DISTRESS,
        "grief-and-loss": C.DISTRESS,
        "stress": C.DISTRESS,
    }
    for row in rows(file):
        labels = frozenset({sure[row["topic"]]}) if row["topic"] in sure else NOTHING
        refused = REQUESTS - {C.MEDICAL, C.LEGAL, C.SEXUAL}
        yield Example(row["questionText"], labels, refused | labels)


def study(file: Path) -> Iterator[Example]:
    for row in rows(file):
        if "conversation" in row:
            yield Example(row["question"], NOTHING)
            for turn in row["conversation"].split("|EOM|"):
                if turn.startswith("Student"):
                    yield Example(turn.split(":", 1)[1].strip(), NOTHING)
        elif "instruction" in row:
            yield Example(f"{row['instruction']}\n{row['context']}".strip(), NOTHING)
        else:
            yield Example(row["prompt"], NOTHING)


def answers(file: Path) -> Iterator[Example]:
    """Texts by teachers or models, none of which may be cut. Files named "answers…" are judged as output."""
    for row in rows(file):
        if "conversation" in row:
            yield Example(row["ground_truth"], NOTHING)
            for turn in row["conversation"].split("|EOM|"):
                if turn.startswith("Teacher"):
                    yield Example(turn.split(":", 1)[1].strip(), NOTHING)
        else:
            yield Example(f"{row['context']}\n{row['response']}", NOTHING)


def everyday(file: Path) -> Iterator[Example]:
    """Yield the four fifths that are trained on."""
    for row in rows(file):
        if not _is_held_out(row["text"]):
            yield Example(row["text"], NOTHING, is_spanish=row["language"] == "es")


def everyday_held_out(file: Path) -> Iterator[Example]:
    for row in rows(file):
        if _is_held_out(row["text"]):
            yield Example(row["text"], NOTHING, is_spanish=row["language"] == "es")


def everyday_with_danger_words(file: Path) -> Iterator[Example]:
    """Yield the sentences that a reader found ordinary; the list has their hashes, as the texts are not ours."""
    ordinary = set(ORDINARY_DESPITE_WORDS.read_text(encoding="utf-8").split())
    for row in rows(file):
        if sha256(row["text"].encode()).hexdigest()[:16] in ordinary:
            yield Example(row["text"], NOTHING, is_spanish=row["language"] == "es")


def _is_held_out(text: str) -> bool:
    return sha256(text.encode()).digest()[0] % 5 == 0


SETS: dict[str, tuple[str, Callable[[Path], Iterator[Example]]]] = {
    "moderation": ("openai-moderation-1680.jsonl", moderation),
    "ailuminate": ("ailuminate_demo_en.csv", hazards),
    "hatecheck": ("hatecheck_test_suite_cases.csv", hateful),
    "harmbench": ("harmbench_behaviors_text_all.csv", behaviors),
    "jailbreaks": ("jailbreak_prompts_itw.csv", jailbreaks),
    "injections": ("cse_prompt_injection.json", injections),
    "counsel": ("counsel_chat_questions.csv", support),
    "mathdial": ("mathdial_test.jsonl", study),
    "mmlu": ("mmlu_1k.csv", study),
    "dolly": ("dolly_1k.csv", study),
    "everyday": ("everyday.jsonl", everyday),
    "everyday-held-out": ("everyday.jsonl", everyday_held_out),
    "everyday_danger_words": ("everyday_with_danger_words_unlabelled.jsonl", everyday_with_danger_words),
    "answers-mathdial": ("mathdial_test.jsonl", answers),
    "answers-dolly": ("dolly_1k.csv", answers),
}
TRAINED_ON = (
    "moderation",
    "ailuminate",
    "hatecheck",
    "harmbench",
    "jailbreaks",
    "injections",
    "counsel",
    "mmlu",
    "everyday",
    "everyday_danger_words",
)
"""MathDial and Dolly are CC BY-SA and used for evaluation only."""


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("to", type=Path)
    asked = arguments.parse_args()
    asked.to.mkdir(parents=True, exist_ok=True)
    for name, (file, convert) in SETS.items():
        if (asked.folder / file).exists():
            print(f"{name}: {write_examples(asked.to / f'{name}.jsonl', convert(asked.folder / file))} texts")


if __name__ == "__main__":
    main()
