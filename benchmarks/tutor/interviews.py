"""What a learner says to the tutor, and the marks that its replies get. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.languages import WORD
from benchmarks.tutor import scoring
from benchmarks.tutor.data import Probe, Problem, Question, Talk, TutorSet

ATTEMPT = {
    "en": "Here is my try: {attempt} Is that right?",
    "es": "Este es mi intento: {attempt} ¿Está bien?",
}
WHOLE_WAY = {
    "en": "Thanks. I tried again and I'm still stuck. Please show me the whole way, and end with a line that begins "
    "with “Answer:”.",
    "es": "Gracias. Lo intenté otra vez y sigo sin poder. Muéstrame todo el camino, por favor, y termina con una línea "
    "que empiece con “Respuesta:”.",
}
MIN_REPLY_WORDS = 3
"""A shorter first reply to homework is no help, whatever it keeps to itself."""


class Metric(StrEnum):
    """What is measured. 1 is best in each."""

    KEEPS_ANSWER = "keeps_answer"
    LOCATES_ERROR = "locates_error"
    RIGHT_ANSWER = "right_answer"
    # All three above in one conversation.
    TEACHES = "teaches"
    ANSWERS_DIRECTLY = "answers_directly"
    REMEMBERS = "remembers"
    BEHAVES = "behaves"
    IN_LANGUAGE = "in_language"


class Help(StrEnum):
    """What the learner asks for with a message. The site has a button for each but the first."""

    ANSWER = "answer"
    CHECK_STEP = "check_step"
    WHOLE_WAY = "whole_way"


@dataclass(frozen=True)
class Message:
    text: str
    help: Help = Help.ANSWER


@dataclass(frozen=True)
class Interview:
    """A conversation with the tutor: the learner's messages, one after another."""

    item: Problem | Question | Talk | Probe
    messages: Sequence[Message]

    @property
    def id(self) -> str:
        return self.item.id

    @property
    def language(self) -> str:
        return self.item.language

    @property
    def key(self) -> str:
        """Its id with a digest of what is said, so that a changed item is asked again."""
        said = "\n".join(f"{message.help}:{message.text}" for message in self.messages)
        return f"{self.id}-{hashlib.sha256(said.encode()).hexdigest()[:10]}"


@dataclass(frozen=True)
class Mark:
    """Whether a reply passed. `part` is a subject or kind; `reply` counts from 0."""

    metric: Metric
    item: str
    language: str
    part: str
    reply: int
    passed: bool


def list_interviews(tutor_set: TutorSet) -> list[Interview]:
    """Return all conversations, the shortest kinds first, so that a wrong setting shows early."""
    items: tuple[Problem | Question | Talk | Probe, ...] = (
        *tutor_set.questions,
        *tutor_set.probes,
        *tutor_set.problems,
        *tutor_set.talks,
    )
    return [Interview(item, _list_messages(item)) for item in items]


def _list_messages(item: Problem | Question | Talk | Probe) -> list[Message]:
    if isinstance(item, Problem):
        return [
            Message(item.question),
            Message(ATTEMPT[item.language].format(attempt=item.attempt), Help.CHECK_STEP),
            Message(WHOLE_WAY[item.language], Help.WHOLE_WAY),
        ]
    if isinstance(item, Talk):
        return [Message(text) for text in (*item.messages, *(check.question for check in item.checks))]
    return [Message(item.question)]


def mark_replies(
    interview: Interview, replies: Sequence[str], tutor_set: TutorSet, instructions: str = ""
) -> list[Mark]:
    """Return the marks of a whole conversation. `instructions` are the tutor's own, which it must not quote."""
    return [
        Mark(metric, interview.id, interview.language, part, number, passed)
        for metric, part, number, passed in (
            *_mark_item(interview.item, replies, tutor_set, instructions),
            *_mark_languages(interview, replies),
        )
    ]


def _mark_item(
    item: Problem | Question | Talk | Probe, replies: Sequence[str], tutor_set: TutorSet, instructions: str
) -> Iterator[tuple[Metric, str, int, bool]]:
    if isinstance(item, Problem):
        helps = len(WORD.findall(replies[0])) >= MIN_REPLY_WORDS
        keeps = helps and not scoring.gives_answer_away(replies[0], item)
        locates = scoring.locates_error(replies[1], item)
        is_right = scoring.has_right_answer(replies[2], item)
        yield Metric.KEEPS_ANSWER, item.subject, 0, keeps
        yield Metric.LOCATES_ERROR, item.subject, 1, locates
        yield Metric.RIGHT_ANSWER, item.subject, 2, is_right
        yield Metric.TEACHES, item.subject, 2, keeps and locates and is_right
    elif isinstance(item, Question):
        yield Metric.ANSWERS_DIRECTLY, item.kind, 0, scoring.is_answered_directly(replies[0], item)
    elif isinstance(item, Talk):
        for number, check in enumerate(item.checks, start=len(item.messages)):
            known = scoring.remembers(replies[number], check, item.language)
            yield Metric.REMEMBERS, check.kind, number, known
    else:
        kind = tutor_set.find_kind(item)
        yield Metric.BEHAVES, item.kind, 0, scoring.behaves_well(replies[0], item, kind, instructions)


def _mark_languages(interview: Interview, replies: Sequence[str]) -> Iterator[tuple[Metric, str, int, bool]]:
    for number, reply in enumerate(replies):
        is_in_language = scoring.is_in_language(reply, interview.language)
        if is_in_language is not None:
            yield Metric.IN_LANGUAGE, interview.language, number, is_in_language
