"""Chooses the model of a turn and holds what its answer may cost.

This happens when the question is asked, when a deferred turn is released, and when a turn falls back to another model.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.errors import HoldKeyTaken, InsufficientBudget, LedgerError
from budgets.models import Hold, Plan
from budgets.selectors import get_plan, list_budget_statuses
from budgets.services import create_hold
from chat.errors import (
    NoModelLeft,
    QuestionRejected,
    QuestionTooLong,
    TooLongForBudget,
    TurnIdTaken,
)
from chat.memory.policies import MemoryRules, list_sendable
from chat.models import ModelOutage, Note, Turn, TurnState
from chat.prompt import (
    BRIEF_INSTRUCTION_TOKENS,
    MIN_ANSWER_TOKENS,
    ContextLimits,
    Prompt,
    add_turn_instructions,
    build_prompt,
    get_answer_room,
)
from chat.prompt_profiles import PROMPT_PROFILES
from chat.selectors import (
    get_continued_turns,
    get_earlier_turns,
    get_notes,
    get_stored_passages,
    wants_spanning_notes,
)
from chat.turns.outages import find_outage
from chat.turns.outcomes import Outcome, resolve_hold
from chat.turns.pace import PACE_SCOPE, find_pace_end, shorten_for_pace
from courses.retrieval.search import FoundPassage
from families.gate import TutorGate, get_tutor_gate
from inference.location import find_outside_guard_host
from inference.tokens import estimate_max_tokens
from kit.memory_policy import NOTING_POLICIES
from routing.breaker import allow_request, read_health
from routing.models import TutorModel
from routing.ranking import Ranking, Skipped, SkipReason, rank_models
from routing.registry import find_model, list_models

# The ledger's safety net. A turn has a hold only while it is queued or being answered, which takes minutes at most.
HOLD_LEASE = timedelta(minutes=20)
# A few sentences. If the budget could pay for a question of this length, the asker is told to write a shorter one.
SHORT_QUESTION_TOKENS = 150
# A typical prompt, to estimate the cost of a question that has not been written yet.
TYPICAL_PROMPT_TOKENS = 1000


@dataclass(frozen=True)
class PromptParts:
    """What a turn's prompt is built from, besides its question."""

    # Forgotten turns are left out when the prompt is built (list_sendable).
    earlier_turns: Sequence[Turn]
    passages: Sequence[FoundPassage]
    continued: Sequence[Turn]
    notes: Sequence[Note] = ()


def rank_for_plan(plan: Plan | None, *, local_only: bool) -> Ranking:
    """Rank the usable models for a person on this plan; None stands for a plan with every model."""
    usable = list_models()
    return rank_models(
        usable,
        plan_model_ids=plan.model_ids if plan else (),
        local_only=local_only,
        health=read_health(model.pk for model in usable),
    )


@dataclass(frozen=True)
class Exposure:
    """Whether a question could go to a model outside, and whether an outside guard reads it."""

    to_model: bool
    to_guard: bool


def get_exposure(person: Person, *, local_only: bool) -> Exposure:
    """Return who outside could read this person's question, now or if a model fails.

    `local_only` is whether the page keeps the question on this site.
    """
    usable, has_guard = list_models(), find_outside_guard_host() is not None
    to_model = not local_only and any(not model.is_local for model in usable)
    if not (to_model or has_guard) or get_tutor_gate(person).terms.local_only:
        return Exposure(to_model=False, to_guard=False)
    if to_model:
        to_model = rank_models(usable, plan_model_ids=get_plan(person).model_ids).has_outside_model
    return Exposure(to_model=to_model, to_guard=has_guard)


@dataclass(frozen=True)
class RoutePreview:
    """Where the next question would go. `model` is None if no model may answer it."""

    model: TutorModel | None
    ranking: Ranking
    # The outage of the model that has been down for the shortest time, if all that may answer are down.
    outage: ModelOutage | None


def preview_route(person: Person, gate: TutorGate) -> RoutePreview:
    """Return where the person's next question would go, before it is written. Holds nothing."""
    usable = list_models()
    # With a single local model, the plan makes no difference.
    plan = None if len(usable) == 1 and usable[0].is_local else get_plan(person)
    ranking = rank_for_plan(plan, local_only=gate.terms.local_only)
    # Query the budgets only if a model costs money.
    affordable = list(ranking.models)
    if not all(model.prices.are_zero for model in ranking.models):
        amounts_left = [status.microdollars_left for status in list_budget_statuses(owner=person)]
        least = min((left for left in amounts_left if left is not None), default=None)
        affordable = [model for model in ranking.models if least is None or _estimate_cost(model) <= least]
    chosen = next(iter(affordable or ranking.models), None)
    return RoutePreview(chosen, ranking, find_outage(ranking.models))


def _estimate_cost(model: TutorModel) -> int:
    return model.prices.calculate_cost(prompt_tokens=TYPICAL_PROMPT_TOKENS, answer_tokens=model.answer_tokens)


def get_limits(model: TutorModel) -> ContextLimits:
    return ContextLimits(context_tokens=model.context_tokens, answer_tokens=model.answer_tokens)


def build_turn_prompt(turn: Turn, parts: PromptParts, *, model: TutorModel) -> Prompt:
    """Build the prompt of a turn for this model, as the turn's row says. Raises TooLongForModel."""
    limits = get_limits(model)
    remembered, notes = list_sendable(
        parts.earlier_turns, parts.notes, conversation=turn.conversation, model=model
    )
    prompt = build_prompt(
        turn.question,
        remembered=remembered,
        notes=notes,
        memory_policy=turn.memory_policy,
        memory_tokens=turn.memory_tokens,
        passages=parts.passages,
        language=turn.language,
        is_brief=turn.is_brief,
        continued=parts.continued,
        profile=PROMPT_PROFILES[model.prompt_profile],
        limits=limits,
        model=model.model_name,
        pinned=list_pinned(turn, remembered),
    )
    return add_turn_instructions(prompt, turn, limits=limits)


def list_pinned(turn: Turn, remembered: Sequence[Turn]) -> list[Turn]:
    """Return the turns without which a follow-up means nothing: that of its task, and the one that it is about.

    Memory limits of the plan and the agreement do not apply to them, as with the answer that a continuation continues.
    """
    wanted = {turn.about_id, turn.task_id} if turn.about_id else set()
    return [earlier for earlier in remembered if earlier.pk in wanted]


@dataclass(frozen=True)
class AnswerLimits:
    """The longest answer of a plan, in tokens (None: the model's limit), and whether its pace shortens it now."""

    longest: int | None
    is_paced: bool


def create_turn_hold(
    turn: Turn,
    parts: PromptParts,
    *,
    person: Person,
    gate: TutorGate,
    plan: Plan,
    wants_spanning_notes: bool,
    tried: Sequence[Skipped] = (),
) -> None:
    """Choose a model and hold what its answer may cost. Sets the turn's route, prompt and answer fields; saves nothing.

    Models are tried in the order of `rank_for_plan`. One that the budget pays for in full comes before a better one
    whose answer would have to be shortened. `tried` are models to leave out, because they failed or may no longer
    answer this turn.

    Must run in the caller's transaction. Raises NoModelLeft, QuestionTooLong, InsufficientBudget, SiteStopped or
    TurnIdTaken.
    """
    turn.local_only = turn.local_only or gate.terms.local_only
    turn.skips_remote_guard = gate.terms.local_only and find_outside_guard_host() is not None
    set_memory_fields(
        turn,
        MemoryRules(
            plan=plan,
            terms=gate.terms,
            wants_spanning_notes=wants_spanning_notes,
            conversation=turn.conversation,
        ),
    )
    # Without any of these, the turn can have no notes, and the query is saved.
    if parts.earlier_turns or turn.retry_of_id or turn.has_spanning_notes:
        parts = replace(parts, notes=get_notes([turn]).get(turn.pk, ()))
    turn.passages = [passage.key for passage in parts.passages]
    turn.is_brief = False
    pace_ends_at = None
    if plan.answers_per_hour is not None:
        pace_ends_at = find_pace_end(person, answers_per_hour=plan.answers_per_hour, besides=turn.pk)
    ranking = rank_for_plan(plan, local_only=turn.local_only)
    tried_ids = {skipped.model.pk for skipped in tried}
    models = [model for model in ranking.models if model.pk not in tried_ids]
    if not models:
        raise NoModelLeft(
            must_stay_local=any(skipped.reason == SkipReason.LOCAL_ONLY for skipped in ranking.skipped)
        )
    attempts = _list_attempts(models, ranking.resting)
    limits = AnswerLimits(plan.answer_tokens, is_paced=pace_ends_at is not None)
    rejected, hold, model = _hold_first_affordable(turn, parts, person, limits, attempts)
    turn.route = [
        {"id": passed.model.pk, "name": passed.model.name, "reason": passed.reason}
        for passed in ranking.list_passed_over(model, [*rejected, *tried])
    ]
    _set_hold_fields(turn, hold, model, pace_ends_at)


def set_memory_fields(turn: Turn, rules: MemoryRules) -> None:
    """Set what the turn's prompt may carry of earlier questions."""
    turn.memory_policy, turn.memory_tokens = rules.policy, rules.tokens
    turn.has_spanning_notes = rules.has_spanning_notes
    # What is not noted is not asked for.
    turn.asks_level = turn.asks_level and rules.policy in NOTING_POLICIES


def _hold_first_affordable(
    turn: Turn,
    parts: PromptParts,
    person: Person,
    answer_limits: AnswerLimits,
    attempts: Sequence[tuple[TutorModel, bool]],
) -> tuple[list[Skipped], Hold, TutorModel]:
    """Return the models whose attempts were all rejected before the hold, the hold, and the model that it is for.

    Raises what the last attempt was rejected with, if all were; SiteStopped or TurnIdTaken at once.
    """
    rejections: dict[TutorModel, QuestionTooLong | InsufficientBudget] = {}
    for model, needs_whole_answer in attempts:
        if isinstance(rejections.get(model), QuestionTooLong):
            continue
        try:
            hold = _hold_answer_cost(
                turn, parts, person, answer_limits, model, needs_whole_answer=needs_whole_answer
            )
        except (QuestionTooLong, InsufficientBudget) as rejection:
            rejections[model] = rejection
            continue
        return [Skipped(other, _get_reason(rejections[other])) for other in rejections], hold, model
    # All attempts were rejected: the asker is told the reason of the last one.
    raise rejections[attempts[-1][0]]


def _list_attempts(
    models: Sequence[TutorModel], resting: Collection[TutorModel]
) -> list[tuple[TutorModel, bool]]:
    """Return which models to try in turn, each with whether the budget must pay for a whole answer.

    A whole answer by any model comes before a shortened one by a better model. Models that rest come last.
    """
    attempts: list[tuple[TutorModel, bool]] = []
    for group in (
        [model for model in models if model not in resting],
        [model for model in models if model in resting],
    ):
        # With one model, a shortened answer has no alternative.
        if len(group) > 1:
            attempts += [(model, True) for model in group]
        attempts += [(model, False) for model in group]
    return attempts


def _get_reason(rejection: QuestionTooLong | InsufficientBudget) -> SkipReason:
    return SkipReason.TOO_LONG if isinstance(rejection, QuestionTooLong) else SkipReason.BUDGET


def _hold_answer_cost(
    turn: Turn,
    parts: PromptParts,
    person: Person,
    answer_limits: AnswerLimits,
    model: TutorModel,
    *,
    needs_whole_answer: bool,
) -> Hold:
    """Hold the cost of an answer by this model. Unless `needs_whole_answer`, the answer may be shortened to fit."""
    prompt = build_turn_prompt(turn, parts, model=model)
    longest = get_answer_room(prompt, longest=answer_limits.longest, limits=get_limits(model))
    if answer_limits.is_paced:
        longest = min(longest, shorten_for_pace(longest, least=MIN_ANSWER_TOKENS) + BRIEF_INSTRUCTION_TOKENS)
    now = timezone.now()
    try:
        hold = create_hold(
            owner=person,
            key=turn.hold_key,
            prompt_tokens=prompt.tokens_at_most,
            prompt_microdollars=model.prices.calculate_cost(
                prompt_tokens=prompt.tokens_at_most, answer_tokens=0
            ),
            answer_tokens=longest,
            answer_microdollars=model.prices.calculate_cost(prompt_tokens=0, answer_tokens=longest),
            # The instruction to be brief takes tokens too.
            min_answer_tokens=longest
            if needs_whole_answer
            else min(MIN_ANSWER_TOKENS + BRIEF_INSTRUCTION_TOKENS, longest),
            lease=HOLD_LEASE,
            now=now,
        )
    except HoldKeyTaken as error:
        raise TurnIdTaken(is_own=False) from error
    except InsufficientBudget as error:
        if (
            error.unit == "tokens"
            and error.short_by <= estimate_max_tokens(turn.question) - SHORT_QUESTION_TOKENS
        ):
            raise TooLongForBudget.from_insufficient_budget(error) from error
        raise
    if hold.created_at != now:
        # This is the hold of a deleted turn. A hold is resolved only once, so a second answer could not be charged.
        raise TurnIdTaken(is_own=False)
    # Set now and stored with the turn, so that the prompt's cost is known even if its worker dies.
    turn.prompt_tokens, turn.prompt_parts = prompt.tokens_likely, prompt.estimate_parts()
    return hold


def _set_hold_fields(turn: Turn, hold: Hold, model: TutorModel, pace_ends_at: datetime | None) -> None:
    turn.tutor_model, turn.model, turn.is_local = model, model.model_name, model.is_local
    turn.input_price, turn.cached_input_price, turn.output_price = (
        model.input_price,
        model.cached_input_price,
        model.output_price,
    )
    turn.max_answer_tokens = hold.answer_tokens
    turn.brief_scope, turn.refills_at = "", None
    if hold.shortened_by or pace_ends_at:
        turn.is_brief, turn.max_answer_tokens = True, max(1, hold.answer_tokens - BRIEF_INSTRUCTION_TOKENS)
    if hold.shortened_by:
        turn.brief_scope, turn.refills_at = hold.shortened_by.scope, hold.shortened_by.refills_at
    elif pace_ends_at:
        turn.brief_scope, turn.refills_at = PACE_SCOPE, pace_ends_at


# The fields that change when a turn falls back to another model.
ROUTE_FIELDS = (
    "tutor_model",
    "model",
    "is_local",
    "input_price",
    "cached_input_price",
    "output_price",
    "route",
    "local_only",
    "skips_remote_guard",
    "hold_number",
    "memory_policy",
    "memory_tokens",
    "has_spanning_notes",
    "passages",
    "prompt_tokens",
    "prompt_parts",
    "max_answer_tokens",
    "is_brief",
    "brief_scope",
    "refills_at",
    "answer",
    "answer_tokens",
)


def request_admission(turn: Turn) -> SkipReason | None:
    """Let a claimed turn ask its model and return None, or return why it may not.

    A model on probation gets one turn at a time (routing.breaker.allow_request).
    """
    model = find_model(turn.tutor_model_id)
    if model is None:
        return SkipReason.DOWN
    # An agreement that was made after the question was asked applies too.
    if not model.is_local and (turn.local_only or get_tutor_gate(turn.conversation.owner).terms.local_only):
        return SkipReason.LOCAL_ONLY
    return None if allow_request(model.pk) else SkipReason.DOWN


def load_prompt_parts(turn: Turn) -> PromptParts:
    """Load what a stored turn's prompt is built from."""
    return PromptParts(
        earlier_turns=get_earlier_turns([turn]).get(turn.pk, ()),
        passages=get_stored_passages([turn])[turn.pk],
        continued=get_continued_turns([turn])[turn.pk],
        notes=get_notes([turn]).get(turn.pk, ()),
    )


def reroute_turn(*, turn: Turn, reason: SkipReason, outcome: Outcome) -> Turn | None:
    """Fall back: give a claimed turn, whose answer must have no words yet, to the next model. Returns the new row.

    `outcome` is what the failed try used. The site pays for that, and the old hold is resolved. The next model's cost
    is held under a key of its own, so that nothing is charged twice.

    Returns None and changes nothing if no other model may answer, the budget does not pay for one, or the claim was
    lost or a stop was asked for meanwhile.
    """
    try:
        with transaction.atomic():
            return _reroute(turn, reason, outcome)
    except (QuestionRejected, LedgerError):
        return None


def _reroute(turn: Turn, reason: SkipReason, outcome: Outcome) -> Turn | None:
    claimed = Turn.objects.select_for_update(of=("self",)).filter(
        pk=turn.pk, claim=turn.claim, state=TurnState.WORKING, stop_requested_at=None
    )
    row = claimed.select_related("conversation__owner", "tutor_model").first()
    if row is None:
        return None
    person = row.conversation.owner
    tried = [
        Skipped(model, SkipReason(skipped["reason"]))
        for skipped in row.route
        if skipped["reason"] in {SkipReason.FAILED, reason}
        and (model := find_model(skipped["id"])) is not None
    ]
    if row.tutor_model is not None:
        tried.append(Skipped(row.tutor_model, reason))
    resolve_hold(row, outcome)
    row.hold_number += 1
    row.answer, row.answer_tokens = "", 0
    create_turn_hold(
        row,
        load_prompt_parts(row),
        person=person,
        gate=get_tutor_gate(person),
        plan=get_plan(person),
        wants_spanning_notes=wants_spanning_notes(person),
        tried=tried,
    )
    row.save(update_fields=ROUTE_FIELDS)
    return row
