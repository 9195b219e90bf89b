"""The authored problems, questions, talks and probes, and what must hold for each of them."""

import hashlib
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from benchmarks.tutor.matching import contains, contains_any, contains_groups

FOLDER = Path(__file__).parent
FILES = ("homework_en.toml", "homework_es.toml", "direct.toml", "talks.toml", "conduct.toml")

type Language = Literal["en", "es"]
type Text = Annotated[str, Field(min_length=1)]
type Forms = Annotated[tuple[Text, ...], Field(min_length=1)]
type Groups = Annotated[tuple[Forms, ...], Field(min_length=1)]


def _require_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.PatternError as error:
        raise ValueError(str(error)) from error
    return pattern


type Pattern = Annotated[str, AfterValidator(_require_pattern)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(_Record):
    """A piece of homework with its answer, and a wrong attempt whose first wrong step is known."""

    id: Text
    language: Language
    question: Text
    # Ways to write the final answer.
    answers: Forms
    # What must not stand in the first reply; the answers if left out.
    gives_away: tuple[Text, ...] = ()
    # A first reply that helps and does not give the answer away.
    hint: Text
    attempt: Text
    wrong_answer: Text
    # A reply that names the first wrong step.
    error: Text
    # Each is enough to show that a reply has found the first wrong step: all its forms, which the attempt has not.
    locates: Groups
    # The wrong step in the words of the attempt, to be pointed at.
    place: Forms

    @property
    def subject(self) -> str:
        return self.id.split("-")[1]

    @property
    def given_away_by(self) -> tuple[str, ...]:
        return self.gives_away or self.answers

    @model_validator(mode="after")
    def _require_use(self) -> Self:
        """Require that the rules can tell a good reply from a bad one."""
        language, asked = self.language, f"{self.question}\n{self.attempt}"
        _require(not contains_any(asked, self.given_away_by, language), "the learner gives the answer away")
        _require(not contains_any(self.hint, self.given_away_by, language), "the hint gives the answer away")
        _require(
            not contains_any(self.error, self.given_away_by, language), "the error gives the answer away"
        )
        _require(contains(self.attempt, self.wrong_answer, language), "the attempt has no wrong answer")
        _require(not contains_any(self.attempt, self.answers, language), "the attempt has the answer")
        _require(not contains_any(self.wrong_answer, self.answers, language), "the wrong answer is right")
        _require(contains_any(self.attempt, self.place, language), "the attempt has no such place")
        found = [
            forms for forms in self.locates if contains_groups(asked, [[form] for form in forms], language)
        ]
        _require(not found, f"what locates the error is in the attempt: {found}")
        return self


class Question(_Record):
    """A question that is to be answered at once."""

    id: Text
    kind: Literal["fact", "definition", "feedback", "code"]
    language: Language
    question: Text
    # A form of each group must be in the reply.
    needs: Groups
    answer: Text

    @model_validator(mode="after")
    def _require_use(self) -> Self:
        _require(contains_groups(self.answer, self.needs, self.language), "the answer lacks what it needs")
        _require(not contains_groups(self.question, self.needs, self.language), "the question has the answer")
        return self


class Check(_Record):
    """A question at the end of a talk about something that was said early."""

    kind: Literal["grade", "goal", "number", "correction"]
    question: Text
    needs: Groups
    # What a correction replaced.
    stale: tuple[Text, ...] = ()
    answer: Text


class Talk(_Record):
    """A talk of ten exchanges or more. The tutor writes its own replies; then the checks are asked."""

    id: Text
    language: Language
    messages: Annotated[tuple[Text, ...], Field(min_length=9)]
    checks: Annotated[tuple[Check, ...], Field(min_length=4)]

    @model_validator(mode="after")
    def _require_use(self) -> Self:
        told = "\n".join(self.messages)
        for check in self.checks:
            _require(contains_groups(told, check.needs, self.language), f"{check.kind} is not told")
            asked = "\n".join(one.question for one in self.checks)
            _require(
                not contains_groups(asked, check.needs, self.language), f"a question tells the {check.kind}"
            )
            _require(contains_groups(check.answer, check.needs, self.language), f"{check.kind}: wrong answer")
            stale = contains_any(told, check.stale, self.language)
            _require(stale is bool(check.stale), f"{check.kind}: what it replaced is not told")
        return self


class _Rules(_Record):
    language: Language
    # Patterns over folded text (scoring.py).
    needs: tuple[tuple[Pattern, ...], ...] = ()
    never: tuple[Pattern, ...] = ()


class ConductKind(_Rules):
    """What good conduct is in situations of a kind."""

    name: Text
    answer: Text
    counterexample: Text


class Probe(_Rules):
    """A situation in which a companion would please and a tutor does not."""

    id: Text
    kind: Text
    question: Text


class _Homework(_Record):
    language: Language
    problem: tuple[dict[str, object], ...]


class _Direct(_Record):
    question: tuple[Question, ...]


class _Talks(_Record):
    talk: tuple[Talk, ...]


class _Conduct(_Record):
    kind: tuple[ConductKind, ...]
    probe: tuple[Probe, ...]


@dataclass(frozen=True)
class TutorSet:
    """All that a tutor is asked."""

    problems: Sequence[Problem]
    questions: Sequence[Question]
    talks: Sequence[Talk]
    probes: Sequence[Probe]
    kinds: Sequence[ConductKind]

    def find_kind(self, probe: Probe) -> ConductKind:
        return next(
            kind for kind in self.kinds if kind.name == probe.kind and kind.language == probe.language
        )

    def limit(self, count: int | None) -> "TutorSet":
        """Return the set with at most `count` of each part, spread over languages and subjects.

        Of the long talks it is a third, because each has as many messages as four problems.
        """
        if count is None:
            return self
        return TutorSet(
            spread(self.problems, count),
            spread(self.questions, count),
            spread(self.talks, math.ceil(count / 3)),
            spread(self.probes, count),
            self.kinds,
        )


def spread[Item](items: Sequence[Item], count: int) -> list[Item]:
    """Return `count` items at equal distances, first and last included."""
    if count >= len(items):
        return list(items)
    return [items[number * (len(items) - 1) // max(1, count - 1)] for number in range(count)]


def load_tutor_set(folder: Path = FOLDER) -> TutorSet:
    """Read and check the set. Raises pydantic.ValidationError, or ValueError if an id is there twice."""
    problems: list[Problem] = []
    for name in FILES[:2]:
        homework = _Homework.model_validate(_read(folder / name))
        problems += [
            Problem.model_validate(entry | {"language": homework.language}) for entry in homework.problem
        ]
    direct = _Direct.model_validate(_read(folder / FILES[2]))
    talks = _Talks.model_validate(_read(folder / FILES[3]))
    conduct = _Conduct.model_validate(_read(folder / FILES[4]))
    tutor_set = TutorSet(problems, direct.question, talks.talk, conduct.probe, conduct.kind)
    _require_unique(
        item.id for items in (problems, direct.question, talks.talk, conduct.probe) for item in items
    )
    _require_unique(f"{kind.name}, {kind.language}" for kind in conduct.kind)
    for probe in conduct.probe:
        tutor_set.find_kind(probe)
    return tutor_set


def compute_data_version(folder: Path = FOLDER) -> str:
    """Return a short name of the exact problems, questions, talks and probes."""
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in FILES))
    return digest.hexdigest()[:8]


def _read(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _require_unique(ids: Iterable[str]) -> None:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    _require(not twice, f"more than once: {', '.join(twice)}")


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not holds:
        raise ValueError(message)
