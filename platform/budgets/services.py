"""What the ledger does: hold, settle, release, expire. Keyword-only, one transaction each.

A hold sets tokens aside before the work begins; settling posts what the work cost and returns the rest (the
two-phase transfers of TigerBeetle). Limits are tested when holding, so settling never overdraws.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Person
from budgets.days import day_at
from budgets.errors import BudgetShort, HoldResolved, HoldUnknown, KeyTaken
from budgets.models import Budget, Entry, EntryKind, Hold, HoldState, Period
from budgets.postings import post_hold, post_resolution
from budgets.selectors import period_latest

logger = logging.getLogger(__name__)


def hold_make(
    *,
    owner: Person,
    key: UUID,
    prompt_tokens: int,
    answer_tokens: int,
    least_answer_tokens: int,
    lease: timedelta,
    now: datetime | None = None,
) -> Hold:
    """Set aside a prompt's tokens and an answer's from the owner's budget of today.

    Where the whole answer is not affordable but `least_answer_tokens` of it are, all that is left is held:
    the hold's `answer_tokens` is the answer's cap. After `lease` an unresolved hold expires.

    The same key again returns the same hold, whatever became of it (Stripe's idempotency keys). Raises
    BudgetShort, or KeyTaken when the key is another owner's; both hold nothing.
    """
    if prompt_tokens < 0 or not 0 < least_answer_tokens <= answer_tokens:
        raise ValueError("An answer has a token at least, and the least of it is no more than the whole.")
    now = now or timezone.now()
    post = partial(
        post_hold, owner=owner, key=key, prompt_tokens=prompt_tokens, now=now, expires_at=now + lease
    )
    try:
        with _apart():
            while (hold := post(answer_tokens=answer_tokens)) is None:
                if made := _hold_of(owner, key):
                    return made
                answer_tokens = _answer_affordable(
                    owner, prompt_tokens, answer_tokens, least_answer_tokens, now
                )
            return hold
    except IntegrityError:
        if made := _hold_of(owner, key):
            return made
        raise


def _apart() -> AbstractContextManager[object]:
    """Keep a refused statement from ending the caller's transaction.

    Without one, a statement is a transaction of its own; BEGIN and COMMIT would be two more round trips.
    """
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _hold_of(owner: Person, key: UUID) -> Hold | None:
    hold = Hold.objects.select_related("period__budget").filter(key=key).first()
    if hold and hold.period.budget.owner_id != owner.pk:
        raise KeyTaken
    return hold


def _answer_affordable(owner: Person, prompt: int, answer: int, least: int, now: datetime) -> int:
    period = period_latest(owner)
    if period is None or not period.is_open(now):
        period = _period_begin(owner, now)
    affordable = min(answer, period.left - prompt)
    if affordable < least:
        raise BudgetShort(needed=prompt + least, left=period.left, refills_at=period.ends_at)
    return affordable


@transaction.atomic
def _period_begin(owner: Person, now: datetime) -> Period:
    # The budget's row is the lock: of all that find the day over at once, one begins the next.
    budget, _ = Budget.objects.select_for_update().get_or_create(owner=owner)
    last = budget.periods.order_by("-starts_at").first()
    if last and last.is_open(now):
        return last
    day = day_at(now, owner.zone, after=last.ends_at if last else None)
    granted = day.share_of(budget.daily_tokens)
    period = Period.objects.create(
        budget=budget, starts_at=day.starts_at, ends_at=day.ends_at, granted=granted
    )
    Entry.objects.create(period=period, kind=EntryKind.GRANT, tokens=granted, at=now)
    return period


def hold_settle(*, key: UUID, tokens: int, microdollars: int, now: datetime | None = None) -> Hold:
    """Post what a hold's work really cost, and return the rest to the day it was made in.

    `microdollars` is millionths of a dollar. Tokens beyond the hold become an overrun entry, which no
    person's budget pays for, and an error in the log. Raises HoldUnknown, or HoldResolved on a second try.
    """
    if min(tokens, microdollars) < 0:
        raise ValueError("A cost is not negative.")
    hold = _resolve(key, HoldState.SETTLED, now, used=tokens, microdollars=microdollars)
    if tokens > hold.tokens:
        logger.error("Hold %s was overrun by %d tokens.", key, tokens - hold.tokens)
    return hold


def hold_release(*, key: UUID, now: datetime | None = None) -> Hold:
    """Return a whole hold to its day, because its work cost nothing. Raises HoldUnknown or HoldResolved."""
    return _resolve(key, HoldState.RELEASED, now)


def _resolve(
    key: UUID, state: HoldState, now: datetime | None, *, used: int = 0, microdollars: int = 0
) -> Hold:
    hold = post_resolution(
        key=key, state=state, now=now or timezone.now(), used=used, microdollars=microdollars
    )
    if hold is None:
        resolved = Hold.objects.filter(key=key).first()
        raise HoldResolved(resolved.state) if resolved else HoldUnknown
    return hold


def holds_expire(*, now: datetime | None = None) -> int:
    """Return every hold whose lease has run out, one transaction each. Returns how many there were.

    Whoever settles one of them at the same moment wins or loses as a whole.
    """
    now = now or timezone.now()
    overdue = Hold.objects.filter(state=HoldState.HELD, expires_at__lte=now).order_by("expires_at")
    keys = list(overdue.values_list("key", flat=True))
    return sum(post_resolution(key=key, state=HoldState.EXPIRED, now=now) is not None for key in keys)


@transaction.atomic
def budget_of(*, owner: Person) -> Budget:
    """Somebody's budget; it is made where they have none yet."""
    budget, _ = Budget.objects.get_or_create(owner=owner)
    return budget


@transaction.atomic
def allowance_set(*, budget: Budget, daily_tokens: int, now: datetime | None = None) -> Budget:
    """Change what a budget grants a day, from today on. Today never falls below what is spent and held."""
    now = now or timezone.now()
    budget = Budget.objects.select_for_update().get(pk=budget.pk)
    budget.daily_tokens = daily_tokens
    budget.save(update_fields=["daily_tokens"])
    period = budget.periods.select_for_update(no_key=True).order_by("-starts_at").first()
    if period is None or not period.is_open(now):
        return budget
    granted = max(period.day.share_of(daily_tokens), period.spent + period.held)
    if change := granted - period.granted:
        period.granted = granted
        period.save(update_fields=["granted"])
        Entry.objects.create(
            period=period, kind=EntryKind.GRANT, tokens=change, at=now, memo="The allowance was changed."
        )
    return budget
