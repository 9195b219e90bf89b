"""What the encoder is tuned on: texts after earlier texts, and what each of its heads should say of them."""

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from guard import Category, Level, judge_input
from guard.answers import split_finished_sentences
from guard.conversation import PERSON_ROLE
from guard.encoder import ANSWER, ANSWER_KINDS, ANSWER_PREFIX
from guard.levels import CARD_HEAD, CARE, HINT_HEAD, IMMINENT_HEAD, UNSAFE_HEAD
from training.examples import HEADS, Example
from training.messages import imitate_typing, type_carelessly

ANSWERS = Path(__file__).parent / "answers.jsonl"
BESIDE_HOMEWORK = Path("benchmarks/beside_homework")
LESSONS = Path("courses/content")
NAMES = (
    *map(str, HEADS),
    *(Category.METHOD, HINT_HEAD, CARD_HEAD, UNSAFE_HEAD, IMMINENT_HEAD),
    ANSWER,
    *(ANSWER_PREFIX + kind for kind in ANSWER_KINDS),
)
"""The encoder's heads, in order."""

# Of a large set, one epoch takes every nth text, and the next epoch others.
_SHARES = {
    "everyday": 3,
    "everyday_danger_words": 2,
    "hatecheck": 12,
    "moderation": 2,
    "ailuminate": 2,
    "mmlu": 2,
    "harmbench": 2,
}
_SHARES |= {
    "counsel": 2,
    "more": 18,
    "said": 18,
    "danger": 18,
    "requests": 18,
    "ordinary": 12,
    "ordinary_es": 6,
}
_WITH_EARLIER, _AFTER_DANGER, _IN_SPANISH = 0.3, 0.03, 0.8
_BESIDE_WEIGHT, _ANSWER_WEIGHT, _PLAIN_ANSWER_WEIGHT, _SINGLE_WEIGHT = 2.5, 2.0, 0.7, 2.0
CRISIS_LEVELS = {"3", "4", "S"}
# Everyday sentences of which every third is also read as an answer, and lesson sentences of this many words.
_EVERYDAY_ANSWERS, _LESSON_WORDS = 3, range(5, 40)
_HELD_OUT = 10
_MIN_WORDS = 3


@dataclass(frozen=True)
class Target:
    """A text after earlier texts. A head that `wanted` does not name is neither right nor wrong.

    `kind` is the file or set, `varies` whether it is also read as people type on a phone.
    """

    text: str
    wanted: Mapping[str, float]
    kind: str
    weight: float = 1.0
    earlier: tuple[str, ...] = ()
    level: str = ""
    is_spanish: bool = False
    varies: bool = False

    @property
    def is_plain(self) -> bool:
        return not any(self.wanted.values())


def build_target(example: Example) -> Target:
    """Build the target of an example. Its level, if it has one, says what the heads for care should say."""
    wanted = {str(head): float(head in example.labels) for head in HEADS if head in example.known}
    level, is_complete = example.level, example.known == frozenset(HEADS)
    if is_complete and (level or not example.labels):
        wanted[Category.METHOD] = float(Category.METHOD in example.labels)
    if level:
        wanted |= {
            HINT_HEAD: float(level in "234S"),
            CARD_HEAD: float(level in "34"),
            UNSAFE_HEAD: float(level == "S"),
        }
        if level != "S":
            wanted[IMMINENT_HEAD] = float(level == "4")
    elif is_complete and not example.labels & CARE:
        wanted |= {HINT_HEAD: 0.0, CARD_HEAD: 0.0, UNSAFE_HEAD: 0.0} | (
            {} if example.labels else {IMMINENT_HEAD: 0.0}
        )
    if example.is_imminent is not None:
        wanted[IMMINENT_HEAD] = float(example.is_imminent)
    kind = example.group.split(" ")[0]
    return Target(
        text=example.text,
        wanted=wanted,
        kind=kind,
        weight=example.weight,
        earlier=tuple(text for role, text in example.before if role == PERSON_ROLE),
        level=level,
        is_spanish=example.is_spanish,
        varies=kind in {"written", "open", "alike_open"},
    )


def build_single_targets(examples: Iterable[Example]) -> Iterator[Target]:
    """Build targets of last messages that say nothing of a crisis without the earlier ones.

    Otherwise the encoder learns that "I'm on the balcony" is danger after anything.
    """
    wanted = {CARD_HEAD: 0.0, UNSAFE_HEAD: 0.0, IMMINENT_HEAD: 0.0}
    for example in examples:
        if example.adds_up and example.level in CRISIS_LEVELS and not judge_input(example.text).is_crisis:
            yield Target(
                example.text, wanted, "single", _SINGLE_WEIGHT, is_spanish=example.is_spanish, varies=True
            )


def read_answer_targets() -> Iterator[Target]:
    """Read the written sentences of answers, each after the question it answers."""
    for row in _read_rows(ANSWERS):
        wanted = {ANSWER: float(row["unsafe"])} | {
            ANSWER_PREFIX + kind: float(row["unsafe"] and row["kind"] == kind) for kind in ANSWER_KINDS
        }
        yield Target(row["text"], wanted, "answers", _ANSWER_WEIGHT, (row["question"],))


def read_plain_answers(targets: Sequence[Target], chance: random.Random) -> Iterator[Target]:
    """Read sentences of everyday talk and of lessons as answers that a tutor may give, to any written question."""
    questions = [target.text for target in targets if target.varies or target.kind == "mmlu"]
    everyday = [target.text for target in targets if target.kind == "everyday"][::_EVERYDAY_ANSWERS]
    for kind, sentences in (("everyday_answers", everyday), ("lesson_answers", _list_lesson_sentences())):
        for sentence in sentences:
            earlier = (chance.choice(questions),)
            yield Target(sentence, {ANSWER: 0.0}, kind, _PLAIN_ANSWER_WEIGHT, earlier)


def is_plain_answer(target: Target) -> bool:
    return target.kind in {"everyday_answers", "lesson_answers"}


def _list_lesson_sentences() -> Iterator[str]:
    for file in sorted(LESSONS.rglob("*.md")):
        text = re.sub(r"(?s)\A\+\+\+.*?\+\+\+", "", file.read_text(encoding="utf-8"))
        for sentence in split_finished_sentences(text):
            plain = re.sub(r"[*_#>`\[\]]|\(http[^)]*\)", "", sentence).strip()
            if len(plain.split()) in _LESSON_WORDS and not plain.startswith(":::"):
                yield plain


def read_homework_targets() -> Iterator[Target]:
    """Read the messages in danger that are measured beside homework, and that homework by sentences and pairs."""
    for row in _read_rows(BESIDE_HOMEWORK / "danger.jsonl"):
        is_unsafe = row["kind"] == "unsafe_home"
        wanted = {HINT_HEAD: 1.0, CARD_HEAD: float(not is_unsafe), UNSAFE_HEAD: float(is_unsafe)}
        if is_unsafe:
            wanted[Category.UNSAFE_HOME] = 1.0
        level = Level.UNSAFE_HOME if is_unsafe else Level.STATED
        spanish = row["language"] == "es"
        yield Target(row["text"], wanted, "beside", _BESIDE_WEIGHT, (), level, spanish, varies=True)
    plain = build_target(Example("", frozenset())).wanted
    for row in _read_rows(BESIDE_HOMEWORK / "homework.jsonl"):
        sentences = [s for s in split_finished_sentences(row["text"]) if len(s.split()) >= _MIN_WORDS]
        for text in [*sentences, *map("".join, pairwise(sentences))]:
            yield Target(text.strip(), plain, "homework", is_spanish=row["language"] == "es")


def _read_rows(file: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def is_held_out(target: Target) -> bool:
    """Return whether a target is not trained on: a tenth of what was written for this purpose.

    Temperatures and thresholds are chosen on these.
    """
    written = target.varies or target.kind in {"answers", "everyday_danger_words"}
    return written and sha256(f"{target.text}|h".encode()).digest()[0] % _HELD_OUT == 0


def draw_epoch(targets: Sequence[Target], epoch: int, chance: random.Random) -> Iterator[Target]:
    """Draw the targets of one epoch: a share of the large sets, other spellings, and other earlier messages.

    Three in ten single messages follow one to three ordinary ones, so that danger is found after homework, and an
    ordinary message after danger stays ordinary.
    """
    plain = [
        target for target in targets if target.is_plain and target.kind in {"written", "everyday", "mmlu"}
    ]
    spanish = [target for target in plain if target.is_spanish]
    danger = [target for target in targets if target.level in CRISIS_LEVELS and not target.earlier]
    for number, target in enumerate(targets):
        # Spanish texts are the rarest.
        if (number * 7 + epoch) % (1 if target.is_spanish else _SHARES.get(target.kind, 1)):
            continue
        earlier, drawn = target.earlier, chance.random()
        if not earlier and drawn < _WITH_EARLIER and target.kind != "homework":
            pool = spanish if target.is_spanish and chance.random() < _IN_SPANISH else plain
            earlier = tuple(chance.choice(pool).text for _ in range(chance.choice((1, 1, 2, 3))))
        elif (
            not earlier
            and drawn < _WITH_EARLIER + _AFTER_DANGER
            and target.is_plain
            and target.kind != "single"
        ):
            earlier = (chance.choice(danger).text,)
        yield replace(target, text=_vary(target, number + epoch, chance), earlier=earlier)


def _vary(target: Target, turn: int, chance: random.Random) -> str:
    """Return the text as written, without capitals and punctuation, or with typos as well, in turns."""
    if not target.varies or turn % 3 == 0:
        return target.text
    typed = type_carelessly(target.text) or target.text
    return imitate_typing(typed, chance) if turn % 3 == 2 else typed
