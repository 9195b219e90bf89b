"""How budgets nest and what each allows: plans, caps, limits and the site's emergency stop.

Each change is recorded with the values before and after (budgets.changes). What a change of limits does to an open
period is calculated by `change_limits` in memory, for the change itself and for the page that states it first.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from budgets.calendar import DAYS_PER_PERIOD, PeriodLength, compute_period_bounds
from budgets.changes import record_change
from budgets.costs import UNITS, Unit
from budgets.errors import InvalidNesting
from budgets.models import (
    Budget,
    BudgetScope,
    ChangeKind,
    EntryKind,
    LedgerEntry,
    Plan,
    StopReason,
    build_default_plan,
    default_daily_tokens,
)
from budgets.periods import (
    BATCH_SIZE,
    OpenPeriod,
    end_period,
    forecast_period,
    list_latest_periods,
    save_granted,
    sum_grants,
)


def get_site_budget() -> Budget:
    """Return the outermost budget, creating it if needed. It has no limit until an admin sets one."""
    site, _is_new = Budget.objects.get_or_create(
        scope=BudgetScope.SITE,
        defaults={"period_length": PeriodLength.MONTH, "time_zone": settings.DEFAULT_PERSON_TIME_ZONE},
    )
    return site


def load_plans() -> Plan:
    """Create the plans that come with the site if they are missing. Return Free.

    Pro is created only together with Free, so a deleted Pro stays deleted.
    """
    default = build_default_plan()
    defaults = {
        "name": default.name,
        "tokens": default.tokens,
        "answer_tokens": settings.TUTOR_ANSWER_TOKENS,
    }
    free, is_new = Plan.objects.get_or_create(slug=Plan.FREE, defaults=defaults)
    if is_new:
        pro = {
            "name": _("Pro"),
            "tokens": 10 * default_daily_tokens(),
            # Of a model that can write more. One that cannot writes as much for both.
            "answer_tokens": 3 * settings.TUTOR_ANSWER_TOKENS,
            "memory_tokens": 3 * free.memory_tokens,
        }
        Plan.objects.get_or_create(slug=Plan.PRO, defaults=pro)
    return free


def get_free_plan() -> Plan:
    """Return the Free plan, creating the default plans if it is missing."""
    return Plan.objects.filter(slug=Plan.FREE).first() or load_plans()


def get_budget(*, owner: Person) -> Budget:
    """Return a person's budget with its parents loaded. Create it under the site's budget if it is missing."""
    budgets = Budget.objects.select_related("owner", "parent__parent")
    if own := budgets.filter(owner=owner).first():
        return own
    limits = {"parent": get_site_budget(), **_compute_limits(get_free_plan(), None)}
    Budget.objects.get_or_create(owner=owner, defaults=limits)
    return budgets.get(owner=owner)


def get_budgets(*, owners: Sequence[Person]) -> dict[int, Budget]:
    """Return the budgets of these people by the people's ids, and create those that are missing."""
    missing = {owner.pk for owner in owners} - set(
        Budget.objects.filter(owner__in=owners).values_list("owner", flat=True)
    )
    if missing:
        limits = {"parent": get_site_budget(), **_compute_limits(get_free_plan(), None)}
        rows = [Budget(owner_id=owner_id, **limits) for owner_id in sorted(missing)]
        Budget.objects.bulk_create(rows, batch_size=BATCH_SIZE, ignore_conflicts=True)
    budgets = {budget.owner_id: budget for budget in Budget.objects.filter(owner__in=owners)}
    for owner in owners:
        budgets[owner.pk].owner = owner
    return {owner.pk: budgets[owner.pk] for owner in owners}


@transaction.atomic
def create_family_budget(*, time_zone: str) -> Budget:
    """Create a budget for a family to share. It has no limit until an admin sets one."""
    return Budget.objects.create(
        scope=BudgetScope.FAMILY,
        parent=get_site_budget(),
        period_length=PeriodLength.MONTH,
        time_zone=time_zone,
    )


@transaction.atomic
def set_parent_budget(*, owner: Person, parent: Budget) -> Budget:
    """Move a person's budget under another one. Existing holds stay in the periods they were made in.

    Raises InvalidNesting if `parent` is a person's budget.
    """
    if parent.scope == BudgetScope.PERSON:
        raise InvalidNesting
    own = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    if own.parent_id != parent.pk:
        own.parent = parent
        own.save(update_fields=["parent"])
    return own


@transaction.atomic
def assign_plan(
    *, owner: Person, plan: Plan | None, by: Person | None = None, now: datetime | None = None
) -> Budget:
    """Put a person on a plan (None means Free), at once. What they have used in the open period counts.

    The period's allowance never falls below what is already spent and held.
    """
    own = _lock_budget(get_budget(owner=owner))
    before = own.plan
    own.plan = plan
    own.save(update_fields=["plan"])
    set_limits([own], [_compute_limits(plan or get_free_plan(), own.daily_cap)], now=now)
    if before != plan:
        names = [(one or get_free_plan()).name for one in (before, plan)]
        record_change(
            ChangeKind.PLAN_ASSIGNED,
            by=by,
            budget=own,
            before={"plan": names[0]},
            after={"plan": names[1]},
            now=now,
        )
    return own


@transaction.atomic
def set_cap(
    *, owner: Person, daily_tokens: int | None, time_zone: str = "", now: datetime | None = None
) -> Budget:
    """Set the daily token cap that a family agreed on, below the plan's allowance. None removes it.

    The day starts in `time_zone`, or in the person's own time zone if that is empty.
    """
    own = _lock_budget(get_budget(owner=owner))
    before = {"daily_cap": own.daily_cap, "time_zone": own.time_zone}
    after = {"daily_cap": daily_tokens, "time_zone": time_zone}
    if before == after:
        return own
    own.daily_cap, own.time_zone = daily_tokens, time_zone
    own.save(update_fields=["daily_cap", "time_zone"])
    set_limits([own], [_compute_limits(own.plan or get_free_plan(), daily_tokens)], now=now)
    record_change(ChangeKind.CAP, budget=own, before=before, after=after, now=now)
    return own


# The fields of a plan that a change of it is recorded with.
PLAN_FIELDS = (
    "name",
    "tokens",
    "microdollars",
    "period_length",
    "answer_tokens",
    "answers_per_hour",
    "memory_policy",
    "memory_tokens",
)


@transaction.atomic
def save_plan(*, plan: Plan, by: Person | None = None, now: datetime | None = None) -> None:
    """Save a new or changed plan, and apply its limits to everyone on it, in one transaction."""
    earlier = Plan.objects.filter(pk=plan.pk).values(*PLAN_FIELDS).first() or {}
    plan.save()
    later = {name: getattr(plan, name) for name in PLAN_FIELDS}
    budgets = list(list_plan_budgets(plan).select_for_update(no_key=True, of=("self",)))
    set_limits(budgets, [_compute_limits(plan, budget.daily_cap) for budget in budgets], now=now)
    changed = [name for name in PLAN_FIELDS if earlier.get(name) != later[name]]
    if changed:
        record_change(
            ChangeKind.PLAN,
            by=by,
            plan=plan,
            before={name: earlier[name] for name in changed if name in earlier},
            after={name: later[name] for name in changed},
            now=now,
        )


def record_plan_models(*, plan: Plan, before: Sequence[str], by: Person | None = None) -> None:
    """Record that the models of a plan are others than `before`, which are their names. No names mean every model."""
    after = list(plan.tutor_models.order_by("name").values_list("name", flat=True))
    if after != list(before):
        record_change(
            ChangeKind.PLAN,
            by=by,
            plan=plan,
            before={"models": ", ".join(before)},
            after={"models": ", ".join(after)},
        )


def list_plan_budgets(plan: Plan) -> QuerySet[Budget]:
    """Return the budgets of everyone on a plan, in lock order."""
    is_on_plan = Q(plan=plan) | Q(plan=None) if plan.slug == Plan.FREE else Q(plan=plan)
    people = Budget.objects.filter(is_on_plan, scope=BudgetScope.PERSON, owner__isnull=False)
    return people.select_related("owner").order_by("pk")


def _compute_limits(plan: Plan, daily_cap: int | None) -> dict[str, Any]:
    """Combine a plan with a daily cap. With a cap, a weekly or monthly plan is split into daily shares."""
    if daily_cap is None:
        return {"tokens": plan.tokens, "microdollars": plan.microdollars, "period_length": plan.period_length}
    days = DAYS_PER_PERIOD[PeriodLength(plan.period_length)]
    return {
        "tokens": daily_cap if plan.tokens is None else min(daily_cap, plan.tokens // days),
        "microdollars": None if plan.microdollars is None else plan.microdollars // days,
        "period_length": PeriodLength.DAY,
    }


LIMIT_FIELDS = ("tokens", "microdollars", "period_length", "time_zone")


@transaction.atomic
def set_allowance(
    *,
    budget: Budget,
    tokens: int | None,
    microdollars: int | None = None,
    period_length: str | None = None,
    time_zone: str | None = None,
    by: Person | None = None,
    now: datetime | None = None,
) -> Budget:
    """Set what a budget allows per period (None: no limit), starting with the open period.

    The open period keeps at least what is spent and held in it. A longer period or another time zone applies from the
    next period. A shorter one applies at once, as no one should wait out the month for a daily allowance.
    """
    budget = _lock_budget(budget)
    before = {name: getattr(budget, name) for name in LIMIT_FIELDS}
    after = {
        "tokens": tokens,
        "microdollars": microdollars,
        "period_length": str(period_length or budget.period_length),
        "time_zone": budget.time_zone if time_zone is None else time_zone,
    }
    set_limits([budget], [after], now=now)
    changed = [name for name in LIMIT_FIELDS if before[name] != after[name]]
    if changed:
        record_change(
            ChangeKind.ALLOWANCE,
            by=by,
            budget=budget,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            now=now,
        )
    return budget


def _lock_budget(budget: Budget) -> Budget:
    budgets = Budget.objects.select_related("owner", "plan")
    return budgets.select_for_update(no_key=True, of=("self",)).get(pk=budget.pk)


def set_limits(
    budgets: Sequence[Budget], limits: Sequence[dict[str, Any]], *, now: datetime | None = None
) -> None:
    """Set the limits of several budgets, whose rows must be locked, and apply them to their open periods."""
    now = now or timezone.now()
    for budget, values in zip(budgets, limits, strict=True):
        for name, value in values.items():
            setattr(budget, name, value)
    Budget.objects.bulk_update(budgets, LIMIT_FIELDS, batch_size=BATCH_SIZE)
    changed: list[OpenPeriod] = []
    entries: list[LedgerEntry] = []
    opened = [period for period in list_latest_periods(budgets, lock=True) if period.rows[0].is_open(now)]
    given = sum_grants([row for period in opened for row in period.rows])
    for period in opened:
        if ends_early(period, now):
            end_period(period, now=now)
            continue
        for row in period.rows:
            row.limits_tokens = period.budget.tokens is not None
            row.limits_microdollars = period.budget.microdollars is not None
        entries += period.plan_granted(
            kind=EntryKind.ALLOWANCE,
            at=now,
            totals=compute_totals(period, given),
            memo="The allowance was changed.",
        )
        changed.append(period)
    save_granted(entries, [row for period in changed for row in period.rows])


# An open day may be longer than the next by the hours of a change of clocks, also in another zone.
CLOCK_CHANGES = timedelta(hours=2)


def ends_early(opened: OpenPeriod, now: datetime) -> bool:
    """Return whether an open period is longer than its budget's periods are by now, and so has to end."""
    length = PeriodLength(opened.budget.period_length)
    natural = compute_period_bounds(now, opened.budget.zone, period_length=length)
    return opened.ends_at - opened.starts_at > natural.full_length + CLOCK_CHANGES


def compute_totals(opened: OpenPeriod, given: dict[int, dict[Unit, int]]) -> dict[Unit, int]:
    """Return what an open period grants in all by its budget's limits. `given` is from `sum_grants`."""
    totals = opened.compute_allowance()
    for unit in UNITS:
        totals[unit] += sum(given[row.pk][unit] for row in opened.rows)
        if getattr(opened.budget, unit) is not None:
            totals[unit] = max(totals[unit], opened.used(unit))
    return totals


@dataclass(frozen=True)
class LimitEffect:
    """What is left of a budget before and after a change of its limits, and until when. None means no limit."""

    budget: Budget
    left_before: dict[Unit, int | None]
    left_after: dict[Unit, int | None]
    ends_at: datetime
    # What each further period allows. The time until then is shorter than such a period, or of another length.
    allowance: dict[Unit, int | None]
    period_length: PeriodLength
    used: dict[Unit, int]
    # Whether what is left is only a part of the allowance, for the time until the next period.
    is_part: bool = False


def preview_limits(
    budgets: Sequence[Budget], limits: Iterable[dict[str, Any]], *, now: datetime | None = None
) -> list[LimitEffect]:
    """Return what `set_limits` would do to these budgets now. Writes and locks nothing."""
    now = now or timezone.now()
    latest = {period.budget.pk: period for period in list_latest_periods(budgets)}
    given = sum_grants([row for period in latest.values() for row in period.rows if row.is_open(now)])
    return [
        _preview(budget, values, latest.get(budget.pk), given, now)
        for budget, values in zip(budgets, limits, strict=True)
    ]


def _preview(
    budget: Budget,
    values: dict[str, Any],
    last: OpenPeriod | None,
    given: dict[int, dict[Unit, int]],
    now: datetime,
) -> LimitEffect:
    before = _compute_left(budget, last, now)
    changed = copy(budget)
    for name, value in values.items():
        setattr(changed, name, value)
    if last and last.rows[0].is_open(now):
        opened = replace(last, budget=changed)
        if not ends_early(opened, now):
            totals = compute_totals(opened, given)
            after = {
                unit: None if getattr(changed, unit) is None else totals[unit] - opened.used(unit)
                for unit in UNITS
            }
            return _build_effect(
                changed, before, after, opened.ends_at, {unit: opened.used(unit) for unit in UNITS}
            )
        last = opened
    following = forecast_period(changed, last, now)
    after = {unit: None if getattr(changed, unit) is None else following.granted[unit] for unit in UNITS}
    effect = _build_effect(changed, before, after, following.bounds.ends_at, dict.fromkeys(UNITS, 0))
    bounds = following.bounds
    return replace(effect, is_part=bounds.ends_at - bounds.starts_at < bounds.full_length)


def _compute_left(budget: Budget, last: OpenPeriod | None, now: datetime) -> dict[Unit, int | None]:
    if last and last.rows[0].is_open(now):
        return {unit: last.left(unit) if last.is_limited(unit) else None for unit in UNITS}
    following = forecast_period(budget, last, now)
    return {unit: None if getattr(budget, unit) is None else following.granted[unit] for unit in UNITS}


def _build_effect(
    changed: Budget,
    before: dict[Unit, int | None],
    after: dict[Unit, int | None],
    ends_at: datetime,
    used: dict[Unit, int],
) -> LimitEffect:
    return LimitEffect(
        budget=changed,
        left_before=before,
        left_after=after,
        ends_at=ends_at,
        allowance={unit: getattr(changed, unit) for unit in UNITS},
        period_length=PeriodLength(changed.period_length),
        used=used,
    )


def preview_plan(*, owner: Person, plan: Plan | None, now: datetime | None = None) -> LimitEffect:
    """Return what `assign_plan` would do now. Creates the budget if it is missing, and changes nothing else."""
    own = get_budget(owner=owner)
    return preview_limits([own], [_compute_limits(plan or get_free_plan(), own.daily_cap)], now=now)[0]


def preview_saved_plan(*, plan: Plan, now: datetime | None = None) -> list[LimitEffect]:
    """Return what `save_plan` would do to everyone on the plan now. Writes and locks nothing."""
    budgets = list(list_plan_budgets(plan)) if plan.pk else []
    return preview_limits(budgets, [_compute_limits(plan, budget.daily_cap) for budget in budgets], now=now)


@transaction.atomic
def set_site_stopped(
    *,
    is_stopped: bool,
    reason: StopReason = StopReason.OTHER,
    note: str = "",
    by: Person | None = None,
    now: datetime | None = None,
) -> bool:
    """Stop new holds on the whole site, or allow them again. Return False if nothing changed.

    Everyone reads the reason; only admins read the note. Answers in progress are finished. Crisis cards need no hold,
    so they are still shown.
    """
    now = now or timezone.now()
    site = _lock_budget(get_site_budget())
    if (site.stopped_at is not None) == is_stopped:
        return False
    before = _describe_stop(site)
    site.stopped_at = now if is_stopped else None
    site.stopped_by = by if is_stopped else None
    site.stop_reason = reason if is_stopped else ""
    site.save(update_fields=["stopped_at", "stopped_by", "stop_reason"])
    record_change(
        ChangeKind.STOP if is_stopped else ChangeKind.START,
        by=by,
        budget=site,
        before=before,
        after=_describe_stop(site),
        note=note,
        now=now,
    )
    return True


def _describe_stop(site: Budget) -> dict[str, Any]:
    return {
        "stopped_at": site.stopped_at.isoformat() if site.stopped_at else None,
        "reason": site.stop_reason,
    }
