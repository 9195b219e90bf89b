"""Create, settle, release and expire holds. Each service takes keywords only and runs in one transaction.

A hold sets tokens and money aside before the work starts. Settling charges the actual cost and returns the rest
(like TigerBeetle's two-phase transfers). Limits are checked when holding, so settling never overdraws.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from budgets.allowances import get_budget
from budgets.costs import UNITS, CostEstimate
from budgets.errors import HoldAlreadyResolved, HoldKeyTaken, HoldNotFound, InsufficientBudget, SiteStopped
from budgets.models import (
    SITE_SHARDS,
    AnswerShortening,
    Budget,
    BudgetScope,
    EntryKind,
    Hold,
    HoldState,
    Period,
)
from budgets.periods import OpenPeriod, ensure_open_period, find_latest_period
from budgets.postings import post_hold, post_resolution
from budgets.usage import UNKNOWN_USAGE, Usage

logger = logging.getLogger(__name__)

type PostHold = Callable[[int], Hold | None]


def create_hold(
    *,
    owner: Person,
    key: UUID,
    prompt_tokens: int,
    answer_tokens: int,
    min_answer_tokens: int,
    lease: timedelta,
    prompt_microdollars: int = 0,
    answer_microdollars: int = 0,
    now: datetime | None = None,
) -> Hold:
    """Set aside a prompt and an answer in the owner's, their family's and the site's budget, or in none of them.

    The prices are the maximum cost of the prompt and the full answer, in millionths of a dollar. If the full answer
    is not affordable but `min_answer_tokens` are, everything left is held, and the hold's `answer_tokens` is the
    answer's limit. An unresolved hold expires after `lease`.

    The same key returns the same hold, in any state, like an idempotency key. Raises InsufficientBudget,
    SiteStopped, or HoldKeyTaken if the key belongs to another owner. In each case nothing is held.
    """
    estimate = CostEstimate(
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        min_answer_tokens=min_answer_tokens,
        prompt_microdollars=prompt_microdollars,
        answer_microdollars=answer_microdollars,
    )
    now = now or timezone.now()

    def post(answer: int) -> Hold | None:
        return post_hold(
            owner=owner,
            key=key,
            prompt_tokens=prompt_tokens,
            answer_tokens=answer,
            microdollars=estimate.cost("microdollars", answer=answer),
            now=now,
            expires_at=now + lease,
        )

    return post(answer_tokens) or _find_hold(owner, key) or _hold_slow_path(owner, key, estimate, post, now)


def _find_hold(owner: Person, key: UUID) -> Hold | None:
    hold = Hold.objects.select_related("period__budget").filter(key=key).first()
    if hold and hold.period.budget.owner_id != owner.pk:
        raise HoldKeyTaken
    return hold


@transaction.atomic
def _hold_slow_path(owner: Person, key: UUID, estimate: CostEstimate, post: PostHold, now: datetime) -> Hold:
    """Create a hold that needs more than one statement: a new period, a shorter answer, or other shards' tokens."""
    # The row lock keeps the budget's parent from changing.
    own = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    # Use the caller's instance: its time zone decides when the next day starts.
    own.owner = owner
    *inner, site = own.chain
    full_answer = AffordableAnswer(estimate.answer_tokens)
    affordable = _find_affordable_answer(
        [ensure_open_period(budget, now=now, lock=True) for budget in inner], estimate, full_answer
    )
    ensure_open_period(site, now=now, lock=False)
    hold = post(affordable.answer)
    if hold is None:
        # The same key may have been posted meanwhile.
        if existing := _find_hold(owner, key):
            return existing
        affordable = _gather_into_shard(site, own, estimate, affordable, now)
        hold = post(affordable.answer)
    if hold is None:
        raise SiteStopped
    hold.shortened_by = affordable.shortening
    return hold


@dataclass(frozen=True)
class AffordableAnswer:
    """An answer's length in tokens, and why it is shortened, if it is."""

    answer: int
    shortening: AnswerShortening | None = None


def _find_affordable_answer(
    opened: Iterable[OpenPeriod], estimate: CostEstimate, most: AffordableAnswer
) -> AffordableAnswer:
    """Return the longest answer that all these periods can pay for.

    Raises InsufficientBudget for the period that refills last, if any cannot pay for the minimum.
    """
    errors = []
    for period in opened:
        for unit in filter(period.is_limited, UNITS):
            left = period.left(unit)
            longest = estimate.longest(unit, left=left)
            if longest < most.answer:
                most = AffordableAnswer(
                    longest, AnswerShortening(BudgetScope(period.budget.scope), period.ends_at)
                )
            if longest < estimate.min_answer_tokens:
                needed = estimate.cost(unit, answer=estimate.min_answer_tokens)
                errors.append(
                    InsufficientBudget(
                        scope=BudgetScope(period.budget.scope),
                        unit=unit,
                        needed=needed,
                        left=left,
                        refills_at=period.ends_at,
                    )
                )
    if errors:
        raise max(errors, key=lambda short: short.refills_at)
    return most


def _gather_into_shard(
    site: Budget, own: Budget, estimate: CostEstimate, most: AffordableAnswer, now: datetime
) -> AffordableAnswer:
    """Move what the site has left into this person's shard, for the longest answer that it pays for.

    Raises InsufficientBudget or SiteStopped.
    """
    if Budget.objects.filter(pk=site.pk, stopped_at__isnull=False).exists():
        raise SiteStopped
    # Check without a lock first: when the site has nothing left, many ask, and none should wait.
    _find_affordable_answer([_get_site_period(site)], estimate, most)
    opened = _get_site_period(site, lock=True)
    affordable = _find_affordable_answer([opened], estimate, most)
    opened.set_granted(
        kind=EntryKind.MOVE,
        at=now,
        totals={unit: opened.sum("granted", unit) for unit in UNITS},
        shard_minimum=(
            own.pk % SITE_SHARDS,
            {unit: estimate.cost(unit, answer=affordable.answer) for unit in UNITS},
        ),
    )
    return affordable


def _get_site_period(site: Budget, *, lock: bool = False) -> OpenPeriod:
    opened = find_latest_period(site, lock=lock)
    assert opened is not None  # noqa: S101 - _hold_slow_path has just started it
    return opened


def settle_hold(
    *,
    key: UUID,
    tokens: int,
    microdollars: int,
    usage: Usage = UNKNOWN_USAGE,
    now: datetime | None = None,
) -> None:
    """Charge what a hold's work cost, and return the rest to its periods.

    `usage` says which model did the work, and how much of the cost was the prompt. Use beyond the hold becomes an
    overrun entry on the site's budget, which counts against no limit, and an error in the log.
    Raises ValueError for a negative cost, HoldNotFound or HoldAlreadyResolved.
    """
    _resolve_with_cost(key, HoldState.SETTLED, now, tokens=tokens, microdollars=microdollars, usage=usage)


def release_hold(*, key: UUID, now: datetime | None = None) -> None:
    """Return a whole hold to its periods: the work cost nothing. Raises HoldNotFound or HoldAlreadyResolved."""
    _resolve(key, HoldState.RELEASED, now)


def absorb_hold(
    *,
    key: UUID,
    tokens: int,
    microdollars: int,
    usage: Usage = UNKNOWN_USAGE,
    now: datetime | None = None,
) -> None:
    """Return a hold to its owner and their family, and charge its cost to the site alone.

    For work that failed. Use beyond the hold is an overrun, as in `settle_hold`. Raises ValueError for a negative
    cost, HoldNotFound or HoldAlreadyResolved.
    """
    _resolve_with_cost(key, HoldState.RELEASED, now, tokens=tokens, microdollars=microdollars, usage=usage)


@transaction.atomic
def release_holds(*, keys: Iterable[UUID], now: datetime | None = None) -> int:
    """Release several holds at once, as deleting a conversation does. Return how many were open.

    Resolved holds are skipped. All periods are locked in order first: releasing one by one could deadlock.
    """
    now = now or timezone.now()
    holds = list(Hold.objects.filter(key__in=list(keys), state=HoldState.HELD).order_by("created_at", "key"))
    for scope in ("period_id", "family_period_id", "site_period_id"):
        rows = Period.objects.filter(pk__in={getattr(hold, scope) for hold in holds} - {None})
        list(rows.order_by("pk").select_for_update(no_key=True))
    return sum(post_resolution(key=hold.key, state=HoldState.RELEASED, now=now) is not None for hold in holds)


def _resolve_with_cost(
    key: UUID, state: HoldState, now: datetime | None, *, tokens: int, microdollars: int, usage: Usage
) -> None:
    if min(tokens, microdollars) < 0:
        raise ValueError("A cost must not be negative.")
    if usage.prompt_tokens > tokens or usage.prompt_microdollars > microdollars:
        raise ValueError("A prompt cannot cost more than the whole call.")
    held = _resolve(key, state, now, tokens=tokens, microdollars=microdollars, usage=usage)
    overrun = max(0, tokens - held[0]), max(0, microdollars - held[1])
    if any(overrun):
        logger.error("Hold %s was overrun by %d tokens and %d microdollars.", key, *overrun)


def _resolve(
    key: UUID,
    state: HoldState,
    now: datetime | None,
    *,
    tokens: int = 0,
    microdollars: int = 0,
    usage: Usage = UNKNOWN_USAGE,
) -> tuple[int, int]:
    held = post_resolution(
        key=key,
        state=state,
        now=now or timezone.now(),
        tokens=tokens,
        microdollars=microdollars,
        usage=usage,
    )
    if held is None:
        resolved = Hold.objects.filter(key=key).first()
        raise HoldAlreadyResolved(resolved.state) if resolved else HoldNotFound
    return held


def expire_holds(*, now: datetime | None = None) -> int:
    """Release every hold whose lease has run out, in one transaction each. Return how many expired.

    If a hold is settled at the same moment, exactly one of the two takes effect.
    """
    now = now or timezone.now()
    overdue = Hold.objects.filter(state=HoldState.HELD, expires_at__lte=now).order_by("expires_at")
    keys = list(overdue.values_list("key", flat=True))
    return sum(post_resolution(key=key, state=HoldState.EXPIRED, now=now) is not None for key in keys)
