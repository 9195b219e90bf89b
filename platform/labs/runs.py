"""Runs a lab on a model of this site: its hold, the calls, and what they cost, settled as for a tutor's answer."""

import logging
from collections.abc import Sequence
from concurrent.futures import TimeoutError as RunTimeout
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from accounts.models import Person
from budgets.selectors import get_plan
from budgets.services import absorb_hold, create_hold, release_hold, settle_hold
from chat.model_choice import rank_for_plan
from inference import loop
from inference.errors import ModelError, ModelTimeout
from inference.messages import TokenUsage
from inference.provider import load_client
from inference.tokens import estimate_tokens
from kit.connections import release_connection
from labs.lab import Json, ModelReply, PlannedRun
from routing.models import TutorModel

logger = logging.getLogger(__name__)

RUN_SECONDS = 60.0
# After this, the hold of a process that died during a run expires.
HOLD_LEASE = timedelta(minutes=5)


class NoLabModel(Exception):
    """No model on this site's own machines may answer."""


class RunFailed(Exception):
    """A call failed after others had used tokens: `usages` are theirs."""

    def __init__(self, usages: list[TokenUsage]) -> None:
        super().__init__()
        self.usages = usages


@dataclass(frozen=True, kw_only=True)
class LabRun:
    """A finished run: the model's reply, and what it cost the person."""

    raw: Json
    model: TutorModel
    tokens: int = 0
    microdollars: int = 0


def choose_model(person: Person | None) -> TutorModel:
    """Return the model on this site's own machines that answers this person's next question. Raises NoLabModel.

    What is typed into a lab never leaves the site, so no other model is asked. A visitor gets what every plan has.
    """
    ranking = rank_for_plan(get_plan(person) if person else None, local_only=True)
    if not ranking.models:
        raise NoLabModel
    return ranking.models[0]


def run_lab(planned: PlannedRun, model: TutorModel, person: Person | None) -> LabRun:
    """Run a planned lab and settle its cost. A run that writes needs a person.

    Raises ModelError if the model fails, InsufficientBudget or SiteStopped. Then the person pays nothing; the site pays
    for what was used.
    """
    load_client()
    if planned.is_free or person is None:
        return LabRun(raw=ask_model(planned).raw, model=model)
    key, prices = uuid4(), model.prices
    create_hold(
        owner=person,
        key=key,
        prompt_tokens=planned.prompt_tokens,
        answer_tokens=planned.answer_tokens,
        min_answer_tokens=planned.answer_tokens,
        prompt_microdollars=prices.calculate_cost(prompt_tokens=planned.prompt_tokens, answer_tokens=0),
        answer_microdollars=prices.calculate_cost(prompt_tokens=0, answer_tokens=planned.answer_tokens),
        lease=HOLD_LEASE,
    )
    try:
        reply = ask_model(planned)
    except RunFailed as failure:
        tokens, microdollars = sum_usage(failure.usages, model)
        absorb_hold(key=key, tokens=tokens, microdollars=microdollars)
        raise ModelError from failure
    except BaseException:
        release_hold(key=key)
        raise
    tokens, microdollars = sum_usage(reply.usages, model)
    settle_hold(key=key, tokens=tokens, microdollars=microdollars)
    return LabRun(raw=reply.raw, model=model, tokens=tokens, microdollars=microdollars)


def ask_model(planned: PlannedRun) -> ModelReply:
    """Ask the model without a hold, for runs that are free or saved as examples. Raises ModelError or RunFailed."""
    # No database connection is held while the model works.
    release_connection()
    running = loop.submit(_call(planned))
    try:
        return running.result(RUN_SECONDS)
    except RunTimeout as error:
        running.cancel()
        raise ModelTimeout from error


async def _call(planned: PlannedRun) -> ModelReply:
    return await planned.ask()


def sum_usage(usages: Sequence[TokenUsage], model: TutorModel) -> tuple[int, int]:
    """Return the tokens of some calls, and their cost in micro-dollars."""
    tokens = sum((usage.prompt_tokens or 0) + (usage.answer_tokens or 0) for usage in usages)
    microdollars = sum(
        model.prices.calculate_cost(
            prompt_tokens=usage.prompt_tokens or 0,
            answer_tokens=usage.answer_tokens or 0,
            cached_tokens=usage.cached_tokens,
        )
        for usage in usages
    )
    return tokens, microdollars


def complete_usage(usage: TokenUsage, *, prompt: str, answer: str) -> TokenUsage:
    """Return the usage of a call, with estimates for what its server did not report."""
    return TokenUsage(
        prompt_tokens=estimate_tokens(prompt) if usage.prompt_tokens is None else usage.prompt_tokens,
        answer_tokens=estimate_tokens(answer) if usage.answer_tokens is None else usage.answer_tokens,
        has_reached_limit=usage.has_reached_limit,
        cached_tokens=usage.cached_tokens,
    )
