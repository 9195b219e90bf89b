"""Why a question was rejected. The messages for people are in chat.formatting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from budgets.errors import InsufficientBudget
from chat.models import Turn
from families.gate import TutorGate


class QuestionRejected(Exception):
    """A question that did not become a turn. Nothing was stored, held or charged."""


class QuestionEmpty(QuestionRejected):
    """The question has no text."""


class QuestionTooLong(QuestionRejected):
    """The question has `length` characters, and `limit` are allowed."""

    def __init__(self, *, length: int, limit: int) -> None:
        super().__init__(f"{length} of {limit}")
        self.length = length
        self.limit = limit


class TooLongForModel(QuestionTooLong):
    """The question may exceed the model's context; about `limit` of its characters fit."""


class TurnIdTaken(QuestionRejected):
    """The turn's id belongs to another question, or to a deleted turn.

    `is_own` says whether that question is the asker's own. An id reveals nothing about other people's turns.
    """

    def __init__(self, *, is_own: bool) -> None:
        super().__init__()
        self.is_own = is_own


class ConversationGone(QuestionRejected):
    """The conversation has been deleted."""


class StillAnswering(QuestionRejected):
    """The conversation's last question is still being answered."""

    def __init__(self, turn: Turn) -> None:
        super().__init__(str(turn.pk))
        self.turn = turn


class FollowUpNotOffered(QuestionRejected):
    """A follow-up was asked for that the turn does not offer, such as the whole way before an attempt."""


class PersonalDataFound(QuestionRejected):
    """The question would send personal data to another company. `parts` are the words in question, if known."""

    def __init__(self, parts: Sequence[str]) -> None:
        super().__init__(f"{len(parts)} parts")
        self.parts = parts


class TooLongForBudget(InsufficientBudget):
    """The budget that is left would pay for a shorter question. Nothing is held."""

    @classmethod
    def from_insufficient_budget(cls, short: InsufficientBudget) -> Self:
        return cls(
            scope=short.scope,
            unit=short.unit,
            needed=short.needed,
            left=short.left,
            refills_at=short.refills_at,
        )


class TutorPaused(QuestionRejected):
    """The tutor rests after a crisis card, until `until` has passed and the person chooses to go on."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class TutorClosed(QuestionRejected):
    """The organization has not opened the tutor."""


class TooManyDeferred(QuestionRejected):
    """The asker has as many deferred questions as allowed."""


class NoModelLeft(QuestionRejected):
    """No model may answer.

    With `must_stay_local`, there are models outside, but the question has to stay on this site's own machines.
    """

    def __init__(self, *, must_stay_local: bool) -> None:
        super().__init__()
        self.must_stay_local = must_stay_local


class FamilyClosed(QuestionRejected):
    """The tutor is closed for a teen, by their family or for lack of consent; `gate` says which."""

    def __init__(self, gate: TutorGate) -> None:
        super().__init__(gate.closed_reason)
        self.gate = gate


class NoteRejected(Exception):
    """A note has a personal detail, or something that the guard finds. It is never remembered."""


class NoteTooLong(Exception):
    """A note has more than MAX_NOTE_LENGTH characters."""

    def __init__(self, length: int) -> None:
        super().__init__(f"{length} characters")
        self.length = length


class SpanningNotAgreed(Exception):
    """The family's agreement does not let notes last from one conversation to the next."""
