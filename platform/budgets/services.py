"""What the ledger does with holds: make, settle, release, expire. Keyword-only, one transaction each.

A hold sets tokens and money aside before the work begins; settling posts what the work cost and returns the rest
(the two-phase transfers of TigerBeetle). Limits are tested when holding, so settling never overdraws.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Person
from budgets.allowances import get_budget
from budgets.costs import UNITS, CostEstimate
from budgets.errors import HoldAlreadyResolved, HoldKeyTaken, HoldNotFound, InsufficientBudget, SiteStopped
from budgets.models import SITE_SHARDS, Budget, BudgetScope, EntryKind, Hold, HoldState, Period, Shortening
from budgets.periods import OpenPeriod, find_latest_period, get_open_period
from budgets.postings import post_hold, post_resolution

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
    """Set aside a prompt and an answer in the owner's budget, their family's and the site's, or in none.

    The two prices are the most that the prompt and the whole answer can cost, in millionths of a dollar. Where
    the whole answer is not affordable but `min_answer_tokens` of it are, all that is left is held: the hold's
    `answer_tokens` is the answer's cap. After `lease` an unresolved hold expires.

    The same key again returns the same hold, whatever became of it (Stripe's idempotency keys). Raises
    BudgetShort, SiteStopped, or KeyTaken when the key is another owner's; none of them holds anything.
    """
    need = CostEstimate(
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
            microdollars=need.cost("microdollars", answer=answer),
            now=now,
            expires_at=now + lease,
        )

    try:
        return (
            _in_savepoint(partial(post, answer_tokens))
            or _find_hold(owner, key)
            or _hold_slow_path(owner, need, post, now)
        )
    except IntegrityError:
        if made := _find_hold(owner, key):
            return made
        raise


def _in_savepoint(post: Callable[[], Hold | None]) -> Hold | None:
    """Post without care for the caller's transaction: a refusal neither ends it nor leaves a lock in it.

    Without one, a statement is a transaction of its own; BEGIN and COMMIT would be two more round trips.
    """
    if not connection.in_atomic_block:
        return post()
    with transaction.atomic():
        hold = post()
        if hold is None:
            # Locks are taken from the inner floor to the outer one: what follows begins at the inner one again.
            transaction.set_rollback(True)
        return hold


def _find_hold(owner: Person, key: UUID) -> Hold | None:
    hold = Hold.objects.select_related("period__budget").filter(key=key).first()
    if hold and hold.period.budget.owner_id != owner.pk:
        raise HoldKeyTaken
    return hold


@transaction.atomic
def _hold_slow_path(owner: Person, need: CostEstimate, post: PostHold, now: datetime) -> Hold:
    """What a hold needs beyond one statement: a period to begin, a shorter answer, or another shard's share."""
    # A budget whose row is ours stays within the family that it is in.
    mine = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    # As the caller knows them: somebody who has moved begins the next day where they are now.
    mine.owner = owner
    *inner, site = mine.chain
    whole = AffordableAnswer(need.answer_tokens)
    afforded = _find_affordable_answer(
        [get_open_period(budget, now=now, lock=True) for budget in inner], need, whole
    )
    get_open_period(site, now=now, lock=False)
    # Apart, as a shard that was waited for stays locked though it did not suffice, and all are locked in order next.
    hold = _in_savepoint(partial(post, afforded.answer))
    if hold is None:
        afforded = _gather_into_shard(site, mine, need, afforded, now)
        hold = post(afforded.answer)
    if hold is None:
        raise SiteStopped
    hold.shortened_by = afforded.because
    return hold


@dataclass(frozen=True)
class AffordableAnswer:
    """An answer's length in tokens, and why it is not the whole."""

    answer: int
    because: Shortening | None = None


def _find_affordable_answer(
    opened: Iterable[OpenPeriod], need: CostEstimate, most: AffordableAnswer
) -> AffordableAnswer:
    """The longest answer that all of these pay for. Raises BudgetShort for the one that is short the longest."""
    shorts = []
    for period in opened:
        for unit in filter(period.is_limited, UNITS):
            left = period.left(unit)
            longest = need.longest(unit, left=left)
            if longest < most.answer:
                most = AffordableAnswer(longest, Shortening(BudgetScope(period.budget.scope), period.ends_at))
            if longest < need.min_answer_tokens:
                needed = need.cost(unit, answer=need.min_answer_tokens)
                shorts.append(
                    InsufficientBudget(
                        scope=BudgetScope(period.budget.scope),
                        of=unit,
                        needed=needed,
                        left=left,
                        refills_at=period.ends_at,
                    )
                )
    if shorts:
        raise max(shorts, key=lambda short: short.refills_at)
    return most


def _gather_into_shard(
    site: Budget, mine: Budget, need: CostEstimate, most: AffordableAnswer, now: datetime
) -> AffordableAnswer:
    """Bring together in one shard what the site has left in all, for as long an answer as it pays for.

    Raises BudgetShort, or SiteStopped.
    """
    if Budget.objects.filter(pk=site.pk, stopped_at__isnull=False).exists():
        raise SiteStopped
    # Looked at first without a lock: a site that has nothing left is asked by many, and they need not wait.
    _find_affordable_answer([_get_site_period(site)], need, most)
    opened = _get_site_period(site, lock=True)
    afforded = _find_affordable_answer([opened], need, most)
    opened.set_granted(
        kind=EntryKind.MOVE,
        at=now,
        totals={unit: opened.sum("granted", unit) for unit in UNITS},
        wanted=(mine.pk % SITE_SHARDS, {unit: need.cost(unit, answer=afforded.answer) for unit in UNITS}),
    )
    return afforded


def _get_site_period(site: Budget, *, lock: bool = False) -> OpenPeriod:
    opened = find_latest_period(site, lock=lock)
    assert opened is not None  # noqa: S101 - it was begun a moment ago, in this transaction or before it
    return opened


def settle_hold(*, key: UUID, tokens: int, microdollars: int, now: datetime | None = None) -> None:
    """Post what a hold's work really cost, and return the rest to the periods it was made in.

    `microdollars` is millionths of a dollar. What goes beyond the hold becomes an overrun entry on the site's
    budget, which limits nobody, and an error in the log. Raises HoldUnknown, or HoldResolved on a second try.
    """
    _resolve_with_cost(key, HoldState.SETTLED, now, tokens=tokens, microdollars=microdollars)


def release_hold(*, key: UUID, now: datetime | None = None) -> None:
    """Return a whole hold to its periods, because its work cost nothing. Raises HoldUnknown or HoldResolved."""
    _resolve(key, HoldState.RELEASED, now)


def absorb_hold(*, key: UUID, tokens: int, microdollars: int, now: datetime | None = None) -> None:
    """Return a hold to its owner and their family, and post what its work cost on the site's budget alone.

    For work that failed. What goes beyond the hold is an overrun, as in `settle_hold`. Raises HoldUnknown, or
    HoldResolved on a second try.
    """
    _resolve_with_cost(key, HoldState.RELEASED, now, tokens=tokens, microdollars=microdollars)


@transaction.atomic
def release_holds(*, keys: Iterable[UUID], now: datetime | None = None) -> int:
    """Return several holds at once, as deleting a conversation does. Those that are resolved stay as they are.

    Returns how many were open. One by one they could lock the floors in turns, and wait for each other.
    """
    now = now or timezone.now()
    holds = list(Hold.objects.filter(key__in=list(keys), state=HoldState.HELD).order_by("created_at", "key"))
    for scope in ("period_id", "family_period_id", "site_period_id"):
        rows = Period.objects.filter(pk__in={getattr(hold, scope) for hold in holds} - {None})
        list(rows.order_by("pk").select_for_update(no_key=True))
    return sum(post_resolution(key=hold.key, state=HoldState.RELEASED, now=now) is not None for hold in holds)


def _resolve_with_cost(
    key: UUID, state: HoldState, now: datetime | None, *, tokens: int, microdollars: int
) -> None:
    if min(tokens, microdollars) < 0:
        raise ValueError("A cost is not negative.")
    held = _resolve(key, state, now, tokens=tokens, microdollars=microdollars)
    beyond = max(0, tokens - held[0]), max(0, microdollars - held[1])
    if any(beyond):
        logger.error("Hold %s was overrun by %d tokens and %d microdollars.", key, *beyond)


def _resolve(
    key: UUID, state: HoldState, now: datetime | None, *, tokens: int = 0, microdollars: int = 0
) -> tuple[int, int]:
    held = post_resolution(
        key=key, state=state, now=now or timezone.now(), tokens=tokens, microdollars=microdollars
    )
    if held is None:
        resolved = Hold.objects.filter(key=key).first()
        raise HoldAlreadyResolved(resolved.state) if resolved else HoldNotFound
    return held


def expire_holds(*, now: datetime | None = None) -> int:
    """Return every hold whose lease has run out, one transaction each. Returns how many there were.

    Whoever settles one of them at the same moment wins or loses as a whole.
    """
    now = now or timezone.now()
    overdue = Hold.objects.filter(state=HoldState.HELD, expires_at__lte=now).order_by("expires_at")
    keys = list(overdue.values_list("key", flat=True))
    return sum(post_resolution(key=key, state=HoldState.EXPIRED, now=now) is not None for key in keys)
