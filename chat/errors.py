"""Why a question was not taken. The words for people stand with the views."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from budgets.errors import InsufficientBudget
from chat.models import Turn
from families.gate import TutorGate


class QuestionRejected(Exception):
    """A question that did not become a turn. Nothing was stored, held or charged."""


class QuestionEmpty(QuestionRejected):
    """There is no question in it."""


class QuestionTooLong(QuestionRejected):
    """It has more characters than a question may have: `length` of them, where `limit` are allowed."""

    def __init__(self, *, length: int, limit: int) -> None:
        super().__init__(f"{length} of {limit}")
        self.length = length
        self.limit = limit


class TooLongForModel(QuestionTooLong):
    """It may have more tokens than the model’s context has room for; about `limit` characters of it fit."""


class TurnIdTaken(QuestionRejected):
    """The turn's id stands for another question, or for a turn that was deleted.

    `is_own` says whether that question is the asker's own: of anybody else's an id tells nothing.
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


class PersonalDataFound(QuestionRejected):
    """Something personal would leave this machine with it; `parts` are its words, as far as they are known."""

    def __init__(self, parts: Sequence[str]) -> None:
        super().__init__(f"{len(parts)} parts")
        self.parts = parts


class TooLongForBudget(InsufficientBudget):
    """What is left of a budget would pay for a shorter question. Nothing is held for this one."""

    @classmethod
    def of_refusal(cls, short: InsufficientBudget) -> Self:
        return cls(
            scope=short.scope,
            unit=short.unit,
            needed=short.needed,
            left=short.left,
            refills_at=short.refills_at,
        )


class TutorPaused(QuestionRejected):
    """A help card is up, and tutoring waits until `until` and the person's own word."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


class TutorClosed(QuestionRejected):
    """The organisation has not opened the tutor."""


class TooManyDeferred(QuestionRejected):
    """As many of the asker's questions as may wait for the model do so already."""


class ModelNotInPlan(QuestionRejected):
    """The site's model is none of those that the asker's plan names."""


class FamilyClosed(QuestionRejected):
    """A teen's family has closed the tutor for now, or nobody has consented yet; `gate` says which."""

    def __init__(self, gate: TutorGate) -> None:
        super().__init__(gate.closed_reason)
        self.gate = gate
