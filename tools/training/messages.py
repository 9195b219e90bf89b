"""Generates messages from phrases in `messages/*.toml` and in the guard's rules."""

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guard import Category, judge_input, patterns
from guard.rule_books import FILES
from training.examples import HEADS, Example

FOLDER = Path(__file__).parent / "messages"
TESTED = Path("tests/guard/messages.toml")
RULES = ("en", "es", "care_en", "care_es", "requests_en", "requests_es")
_OF_A_RULE_PHRASE = 10
_RULE_WEIGHT, _TESTED_WEIGHT = 0.5, 2.0
_TYPED = {
    "you": "u", "because": "bc", "please": "plz", "to": "2", "are": "r", "want to": "wanna", "going to": "gonna",
    "about": "abt", "really": "rly", "tonight": "tn", "people": "ppl", "though": "tho", "with": "w", "im": "i am",
    "dont": "do not", "cant": "cannot", "my mom": "my mother", "hes": "he is", "somebody": "someone",
    "myself": "my self",
}  # fmt: skip


def draw_messages(chance: random.Random) -> Iterator[Example]:
    """Generate all messages. The same seed gives the same messages."""
    ordinary, occasional = list[str](), list[Example]()
    for file in sorted(FOLDER.glob("*.toml")):
        examples = list(_read_messages(file, chance))
        ordinary += [example.text for example in examples if not example.labels]
        yield from examples
        if file.stem in {"danger", "more", "said"}:
            occasional += [e for e in examples if chance.random() < 0.25]
    for example in occasional:
        by_the_way = chance.choice(ordinary)
        whole = [by_the_way, example.text] if chance.random() < 0.5 else [example.text, by_the_way]
        yield Example(". ".join(whole), example.labels, group=example.group)
    yield from _read_tests()
    for name in RULES:
        yield from _read_rules(FILES / f"{name}.toml", chance)


def _read_messages(file: Path, chance: random.Random) -> Iterator[Example]:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    sets = _parse_sets(content)
    for number, entry in enumerate(content["messages"]):
        labels = frozenset(map(Category, entry.get("labels", ())))
        phrases = [patterns.parse_phrase(phrase, sets) for phrase in entry["phrases"]]
        seen = set[str]()
        for n in range(entry["draws"]):
            place = n % len(phrases)
            text = imitate_typing(_draw(phrases[place], chance), chance)
            if text not in seen:
                seen.add(text)
                yield Example(text, labels, group=f"{file.stem} {number} {place}")


def _read_tests() -> Iterator[Example]:
    """Return the test messages of the rules. The rules give the categories of those in danger, if they match."""
    messages = tomllib.loads(TESTED.read_text(encoding="utf-8"))
    for text in messages["crisis"]:
        labels = judge_input(text).categories & frozenset(HEADS) or frozenset({Category.SUICIDE})
        yield Example(text, labels, group=f"tests {text}")
    for text in messages["ordinary"]:
        yield Example(text, frozenset(), group=f"tests {text}", weight=_TESTED_WEIGHT)


def _read_rules(file: Path, chance: random.Random) -> Iterator[Example]:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    sets = _parse_sets(content)
    for rule in content["rules"]:
        labels = frozenset(map(Category, rule["categories"])) & frozenset(HEADS)
        for number, phrase in enumerate(rule["phrases"]):
            sequence = patterns.parse_phrase(phrase, sets)
            for text in {_draw(sequence, chance) for _ in range(_OF_A_RULE_PHRASE)}:
                yield Example(text, labels, group=f"{rule['id']} {number}", weight=_RULE_WEIGHT)
        for text in rule["examples"]:
            yield Example(text, labels, group=f"{rule['id']} {text}")
        for text in rule.get("not", ()):
            yield Example(text, frozenset(), group=f"{rule['id']} {text}")


def _parse_sets(content: dict[str, Any]) -> dict[str, patterns.Sequence]:
    sets: dict[str, patterns.Sequence] = {}
    for name, phrase in content.get("sets", {}).items():
        sets[name] = patterns.parse_phrase(phrase, sets)
    return sets


def _draw(sequence: patterns.Sequence, chance: random.Random) -> str:
    words = []
    for item in sequence:
        match item:
            case patterns.Literal("#"):
                words.append(str(chance.choice([2, 3, 5, 8, 12, 14, 15, 20, 24, 30, 48, 100])))
            case patterns.Literal(word):
                words.append(word)
            case patterns.OneOf(options):
                words.append(_draw(chance.choice(options), chance))
    return " ".join(filter(None, words))


def type_carelessly(text: str) -> str:
    """Remove capitals and punctuation, as in most texts typed on a phone."""
    return re.sub(r"[^\w\s]", "", text.lower())


def imitate_typing(text: str, chance: random.Random) -> str:
    """Imitate typing: abbreviations in half of the messages, typos in some."""
    for word, shortcut in _TYPED.items():
        if chance.random() < 0.2:
            text = re.sub(rf"\b{word}\b", shortcut, text)
    if chance.random() < 0.15 and len(text) > 8:
        place = chance.randrange(1, len(text) - 2)
        text = chance.choice(
            [
                text[:place] + text[place + 1 :],
                text[:place] + text[place + 1] + text[place] + text[place + 2 :],
            ]
        )
    return text
