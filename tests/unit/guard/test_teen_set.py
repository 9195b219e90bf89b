"""The set that measures the guard: fixed halves, known labels, and enough messages of each kind."""

import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from guard.action import action_for
from guard.verdict import Category, Level, Verdict
from training.written import read_written_messages

FOLDER = Path(__file__).parents[3] / "benchmarks" / "teen_set"
HALVES = ("open", "blind")


@cache
def items(half: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()]


def extract_text(item: dict[str, Any]) -> str:
    turns = item.get("turns") or [{"text": item["text"]}]
    return " / ".join(" ".join(turn["text"].casefold().split()) for turn in turns)


@pytest.mark.parametrize("half", HALVES)
def test_the_hash_of_its_id_decides_which_half_an_item_is_in(half: str) -> None:
    for item in items(half):
        odd = hashlib.sha256(item["id"].encode()).digest()[-1] % 2
        assert HALVES[odd] == half, item["id"]


def test_ids_and_texts_are_unique() -> None:
    everything = [item for half in HALVES for item in items(half)]
    assert len(everything) >= 700
    for of in (lambda item: item["id"], extract_text):
        counts = Counter(of(item) for item in everything)
        assert max(counts.values()) == 1, counts.most_common(1)


@pytest.mark.parametrize("half", HALVES)
def test_an_item_has_labels_that_the_guard_knows_and_the_action_that_follows(half: str) -> None:
    for item in items(half):
        verdict = Verdict(level=Level(item["level"]), categories=frozenset(map(Category, item["categories"])))
        assert item["action"] == action_for(verdict), item["id"]
        assert verdict.categories or verdict.level == Level.NONE, item["id"]


@pytest.mark.parametrize("half", HALVES)
def test_an_exchange_ends_with_the_person(half: str) -> None:
    for item in items(half):
        assert ("text" in item) != ("turns" in item), item["id"]
        if "turns" in item:
            roles = [turn["role"] for turn in item["turns"]]
            assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"], item["id"]
            assert "multi" in item["tags"], item["id"]


@pytest.mark.parametrize("half", HALVES)
def test_each_half_has_enough_of_each_kind(half: str) -> None:
    levels = Counter(item["level"] for item in items(half))
    plain = sum(item["level"] == "0" and not item["categories"] for item in items(half))
    tags = Counter(tag for item in items(half) for tag in item["tags"])
    assert min(levels[level] for level in Level) >= 25
    assert 0.35 <= plain / len(items(half)) <= 0.5
    assert min(tags[tag] for tag in ("es", "mixed", "slang", "typo", "algospeak", "figure", "multi")) >= 8


@pytest.mark.parametrize("part", ["blind", "third", "sixth", "sixth_talks"])
def test_what_only_measures_is_labelled_and_no_model_learned_from_it(part: str) -> None:
    trained_on = {" ".join(example.text.casefold().split()) for example in read_written_messages()}
    for item in items(part):
        assert item["level"] in set(Level)
        assert set(item["categories"]) <= set(Category)
        # Two people may use the same greeting.
        assert item["level"] == Level.NONE or extract_text(item) not in trained_on, item["id"]


def test_the_third_set_has_what_its_page_says() -> None:
    third = items("third")
    levels = Counter(item["level"] for item in third)
    assert levels == {"0": 260, "1": 35, "2": 45, "3": 60, "4": 45, "S": 55}
    assert sum(item["level"] == "0" and not item["categories"] for item in third) == 200
    assert len({item["id"] for item in third}) == len({extract_text(item) for item in third}) == 500


def test_the_sixth_set_has_what_its_page_says() -> None:
    sixth = items("sixth")
    levels = Counter(item["level"] for item in sixth)
    assert levels == {"0": 460, "1": 20, "2": 20, "3": 36, "4": 34, "S": 30}
    assert sum(item["level"] == "0" and not item["categories"] for item in sixth) == 340
    assert Counter(tag for item in sixth for tag in item["tags"]) == {"en": 240, "es": 255, "mixed": 105}
    assert len({item["id"] for item in sixth}) == len({extract_text(item) for item in sixth}) == 600


def test_a_talk_ends_with_the_person_and_says_whether_hints_add_up_in_it() -> None:
    talks = items("sixth_talks")
    assert len(talks) == len({item["id"] for item in talks}) == 120
    assert all(item["turns"][-1]["role"] == "user" for item in talks)
    assert Counter(item["level"] in {"3", "4"} for item in talks if "adds_up" in item["tags"]) == {
        True: 45,
        False: 15,
    }
