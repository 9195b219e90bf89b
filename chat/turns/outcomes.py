"""How a turn ended: what its row says then, and what becomes of its hold."""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from budgets.errors import HoldResolved, HoldUnknown
from budgets.services import absorb_hold, hold_release, hold_settle
from chat.models import Ending, State
from chat.turns import measures
from chat.turns.acts import lessons_for
from chat.turns.stopping import kept_ending
from guard import Verdict, action_for
from inference.prices import price

logger = logging.getLogger(__name__)

# A failure costs the person nothing, and neither do fixed words that became due while an answer was written.
CHARGED_STATES = {State.ANSWERED, State.STOPPED, State.WITHHELD}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a turn ended, and what it used. Tokens are counts, whoever counted them."""

    state: State
    ending: Ending
    answer: str
    prompt_tokens: int
    answer_tokens: int
    # How many of the prompt's tokens the server had read before.
    cached_tokens: int = 0
    # A verdict on the question that came only while it was being answered.
    verdict: Verdict | None = None
    # When the model's server takes questions again, where it said so.
    retry_at: datetime | None = None

    @property
    def is_charged(self) -> bool:
        """Whether the person pays for it. Otherwise the site does."""
        return self.state in CHARGED_STATES

    @property
    def microdollars(self) -> int:
        return price(
            prompt_tokens=self.prompt_tokens,
            answer_tokens=self.answer_tokens,
            cached_tokens=self.cached_tokens,
        )

    def count(self) -> None:
        measures.turn_ended(
            state=self.state,
            ending=self.ending,
            prompt_tokens=self.prompt_tokens,
            answer_tokens=self.answer_tokens,
            microdollars=self.microdollars,
        )


def ended_fields(outcome: Outcome) -> dict[str, object]:
    """What the row of a turn that ends this way says."""
    return {
        "state": outcome.state,
        "ending": kept_ending(outcome.ending),
        "answer": outcome.answer,
        "prompt_tokens": outcome.prompt_tokens if outcome.is_charged else 0,
        "answer_tokens": outcome.answer_tokens if outcome.is_charged else 0,
        "microdollars": outcome.microdollars if outcome.is_charged else 0,
        "retry_at": outcome.retry_at,
        "claim": None,
        "lease_until": None,
        "ended_at": timezone.now(),
        "waits_for": "",
        **_judged(outcome.verdict),
    }


def _judged(verdict: Verdict | None) -> dict[str, object]:
    if verdict is None:
        return {}
    return {
        "level": str(verdict.level),
        "categories": sorted(verdict.categories),
        "layer": verdict.layer,
        "passages": lessons_for(action_for(verdict), verdict),
    }


def settle(hold_key: UUID, outcome: Outcome) -> None:
    """Resolve the hold of a turn that has ended this way."""
    tokens = outcome.prompt_tokens + outcome.answer_tokens
    try:
        if not tokens:
            hold_release(key=hold_key)
        elif outcome.is_charged:
            hold_settle(key=hold_key, tokens=tokens, microdollars=outcome.microdollars)
        else:
            absorb_hold(key=hold_key, tokens=tokens, microdollars=outcome.microdollars)
    except (HoldResolved, HoldUnknown):
        # The ledger's net was quicker, after a pause longer than any turn. Its word stands.
        logger.exception("Hold %s was resolved before its turn ended.", hold_key)
