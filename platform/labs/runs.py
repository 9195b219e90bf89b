"""Runs a lab on a model of this site: its hold, the calls, and what they cost, settled as for a tutor's answer."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as RunTimeout
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import UUID, uuid4

from django.utils import timezone

from accounts.models import Person
from budgets.models import Plan
from budgets.selectors import get_plan
from budgets.services import absorb_hold, create_hold, release_hold, settle_hold
from chat.model_choice import rank_for_plan
from inference import loop
from inference.errors import ModelError, ModelTimeout
from inference.messages import TokenUsage
from inference.provider import load_client
from inference.tokens import estimate_tokens
from kit.connections import release_connection
from labs.kept_replies import find_kept_reply, find_reply_key, keep_reply
from labs.lab import Json, ModelReply, PlannedRun, TellPart
from routing.models import TutorModel

logger = logging.getLogger(__name__)

RUN_SECONDS = 60.0
# A page that shows the answers while they are written has no reason to give up on them.
PARTS_SECONDS = 180.0
# After this, the hold of a process that died during a run expires.
HOLD_LEASE = timedelta(minutes=5)


class NoLabModel(Exception):
    """No model on this site's own machines may answer."""


class RunFailed(Exception):
    """A call of a run failed. `usages` are those of its other calls."""

    def __init__(self, usages: list[TokenUsage]) -> None:
        super().__init__()
        self.usages = usages


@dataclass(frozen=True, kw_only=True)
class LabRun:
    """A finished run: the model's reply, and what it cost the person.

    `asked_at` is set if the model was asked for another run, and its reply was kept.
    """

    raw: Json
    model: TutorModel
    tokens: int = 0
    microdollars: int = 0
    asked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class HeldRun:
    """A planned run whose cost is held. `hold` is None if it is free, and `reply_key` "" if its reply is not kept."""

    planned: PlannedRun
    model: TutorModel
    hold: UUID | None
    reply_key: str = ""


def choose_model(person: Person | None, plan: Plan | None = None) -> TutorModel:
    """Return the model on this site's own machines that answers this person's next question. Raises NoLabModel.

    What is typed into a lab never leaves the site, so no other model is asked. A visitor gets what every plan has.
    """
    if plan is None and person is not None:
        plan = get_plan(person)
    ranking = rank_for_plan(plan, local_only=True)
    if not ranking.models:
        raise NoLabModel
    return ranking.models[0]


def run_lab(planned: PlannedRun, model: TutorModel, person: Person | None) -> LabRun:
    """Run a planned lab and settle its cost. A run that writes needs a person.

    Raises ModelError if the model fails, InsufficientBudget or SiteStopped. Then the person pays nothing; the site pays
    for what was used.
    """
    started = start_run(planned, model, person)
    return started if isinstance(started, LabRun) else complete_run(started)


def start_run(planned: PlannedRun, model: TutorModel, person: Person | None) -> LabRun | HeldRun:
    """Hold what a run may cost, or return the finished run if its reply was kept. Raises as `run_lab` does."""
    load_client()
    reply_key = ""
    if planned.own_words:
        # An own call, because a kept reply is worth nothing once the server has another model.
        reply_key = loop.submit(find_reply_key(model.endpoint, planned.own_words)).result(RUN_SECONDS)
        if kept := find_kept_reply(reply_key):
            return LabRun(raw=kept.raw, model=model, asked_at=kept.asked_at)
    if planned.is_free or person is None:
        return HeldRun(planned=planned, model=model, hold=None, reply_key=reply_key)
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
    return HeldRun(planned=planned, model=model, hold=key, reply_key=reply_key)


def complete_run(held: HeldRun, take_part: TellPart | None = None) -> LabRun:
    """Ask the model and settle the hold. Raises ModelError.

    `take_part` gets the answers while they are written, on this thread.
    """
    model = held.model
    if held.hold is None:
        return LabRun(raw=ask_model(held.planned, take_part).raw, model=model)
    try:
        reply = ask_model(held.planned, take_part, reply_key=held.reply_key)
    except RunFailed as failure:
        tokens, microdollars = sum_usage(failure.usages, model)
        absorb_hold(key=held.hold, tokens=tokens, microdollars=microdollars)
        raise ModelError from failure
    except BaseException:
        release_hold(key=held.hold)
        raise
    tokens, microdollars = sum_usage(reply.usages, model)
    settle_hold(key=held.hold, tokens=tokens, microdollars=microdollars)
    if held.reply_key and reply.usages:
        keep_reply(held.reply_key, reply.raw)
    return LabRun(
        raw=reply.raw,
        model=model,
        tokens=tokens,
        microdollars=microdollars,
        asked_at=None if reply.usages else timezone.now(),
    )


def ask_model(planned: PlannedRun, take_part: TellPart | None = None, *, reply_key: str = "") -> ModelReply:
    """Ask the model without a hold, for runs that are free or saved as examples. Raises ModelError or RunFailed.

    Equal runs with a `reply_key` that are in progress at once ask the model once: the first pays, and the others get
    its reply without usages.
    """
    # No database connection is held while the model works.
    release_connection()
    parts: SimpleQueue[tuple[int, str] | None] = SimpleQueue()

    def tell_part(number: int, text: str) -> None:
        if take_part:
            parts.put((number, text))

    running = loop.submit(_call(planned, tell_part, reply_key))
    end = time.monotonic() + (PARTS_SECONDS if take_part else RUN_SECONDS)
    try:
        if take_part:
            _take_parts(running, parts, take_part, end)
        return running.result(max(0.0, end - time.monotonic()))
    except RunTimeout as error:
        raise ModelTimeout from error
    finally:
        # Does nothing to a call that has ended.
        running.cancel()


def _take_parts(
    running: "Future[ModelReply]",
    parts: "SimpleQueue[tuple[int, str] | None]",
    take_part: TellPart,
    end: float,
) -> None:
    """Hand on the parts until the run has ended. Raises TimeoutError at `end`."""
    running.add_done_callback(lambda _done: parts.put(None))
    while True:
        try:
            part = parts.get(timeout=max(0.0, end - time.monotonic()))
        except Empty as error:
            raise RunTimeout from error
        if part is None:
            return
        take_part(*part)


# The runs in progress on the event loop whose replies are kept.
_in_progress: dict[str, asyncio.Task[ModelReply]] = {}


async def _call(planned: PlannedRun, tell_part: TellPart, reply_key: str) -> ModelReply:
    if not reply_key:
        return await planned.ask(tell_part)
    if asked := _in_progress.get(reply_key):
        return ModelReply(raw=(await asyncio.shield(asked)).raw)
    asked = asyncio.ensure_future(_ask(planned, tell_part))
    _in_progress[reply_key] = asked
    asked.add_done_callback(lambda _done: _in_progress.pop(reply_key))
    # A person who stops waiting must not end the run of the others.
    return await asyncio.shield(asked)


class HasUsage(Protocol):
    """A finished call."""

    @property
    def usage(self) -> TokenUsage: ...


async def ask_together[T: HasUsage](calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all calls. Raises RunFailed if one of them fails, with the usages of the others."""
    ended = await asyncio.gather(*calls, return_exceptions=True)
    errors = [one for one in ended if isinstance(one, BaseException)]
    answers = [one for one in ended if not isinstance(one, BaseException)]
    for error in errors:
        if not isinstance(error, ModelError):
            raise error
    if errors:
        raise RunFailed([answer.usage for answer in answers]) from errors[0]
    return answers


async def _ask(planned: PlannedRun, tell_part: TellPart) -> ModelReply:
    return await planned.ask(tell_part)


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
