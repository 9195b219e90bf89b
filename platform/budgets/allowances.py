"""How budgets nest and what each allows: plans, caps, limits and the site's emergency stop."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from budgets.calendar import DAYS_PER_PERIOD, PeriodLength
from budgets.costs import UNITS, Unit
from budgets.errors import InvalidNesting
from budgets.models import (
    Budget,
    BudgetScope,
    EntryKind,
    LedgerEntry,
    Plan,
    build_default_plan,
    default_daily_tokens,
)
from budgets.periods import OpenPeriod, find_latest_period


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
def assign_plan(*, owner: Person, plan: Plan | None, now: datetime | None = None) -> Budget:
    """Put a person on a plan (None means Free), starting with the open period.

    The period's allowance never falls below what is already spent and held.
    """
    own = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    own.plan = plan
    own.save(update_fields=["plan"])
    return set_allowance(budget=own, **_compute_limits(plan or get_free_plan(), own.daily_cap), now=now)


@transaction.atomic
def set_cap(
    *, owner: Person, daily_tokens: int | None, time_zone: str = "", now: datetime | None = None
) -> Budget:
    """Set the daily token cap that a family agreed on, below the plan's allowance. None removes it.

    The day starts in `time_zone`, or in the person's own time zone if that is empty.
    """
    own = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    if (own.daily_cap, own.time_zone) == (daily_tokens, time_zone):
        return own
    own.daily_cap, own.time_zone = daily_tokens, time_zone
    own.save(update_fields=["daily_cap", "time_zone"])
    return set_allowance(budget=own, **_compute_limits(own.plan or get_free_plan(), daily_tokens), now=now)


def save_plan(*, plan: Plan, now: datetime | None = None) -> None:
    """Save a new or changed plan, and apply its limits to everyone on it."""
    plan.save()
    is_on_plan = Q(plan=plan) | Q(plan=None) if plan.slug == Plan.FREE else Q(plan=plan)
    for budget in Budget.objects.filter(is_on_plan, scope=BudgetScope.PERSON, owner__isnull=False).order_by(
        "pk"
    ):
        set_allowance(budget=budget, **_compute_limits(plan, budget.daily_cap), now=now)


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


@transaction.atomic
def set_allowance(
    *,
    budget: Budget,
    tokens: int | None,
    microdollars: int | None = None,
    period_length: str | None = None,
    time_zone: str | None = None,
    now: datetime | None = None,
) -> Budget:
    """Set what a budget allows per period (None: no limit), starting with the open period.

    The open period keeps at least what is spent and held in it. A new period length or time zone applies from
    the next period.
    """
    now = now or timezone.now()
    budget = Budget.objects.select_for_update(no_key=True).get(pk=budget.pk)
    budget.tokens, budget.microdollars = tokens, microdollars
    budget.period_length = period_length or budget.period_length
    budget.time_zone = budget.time_zone if time_zone is None else time_zone
    budget.save(update_fields=["tokens", "microdollars", "period_length", "time_zone"])
    opened = find_latest_period(budget, lock=True)
    if opened and opened.rows[0].is_open(now):
        _apply_allowance(opened, now)
    return budget


def _apply_allowance(opened: OpenPeriod, now: datetime) -> None:
    entries = LedgerEntry.objects.filter(period__in=opened.rows, kind=EntryKind.GRANT)
    grants = entries.aggregate(tokens=Sum("tokens", default=0), microdollars=Sum("microdollars", default=0))
    totals: dict[Unit, int] = {}
    for unit in UNITS:
        allowed = getattr(opened.budget, unit)
        totals[unit] = opened.prorate(allowed) + grants[unit]
        if allowed is not None:
            totals[unit] = max(totals[unit], opened.used(unit))
        for row in opened.rows:
            setattr(row, f"limits_{unit}", allowed is not None)
    opened.set_granted(kind=EntryKind.ALLOWANCE, at=now, totals=totals, memo="The allowance was changed.")


@transaction.atomic
def set_site_stopped(*, is_stopped: bool, now: datetime | None = None) -> bool:
    """Stop new holds on the whole site, or allow them again. Return False if nothing changed.

    Answers in progress are finished. Crisis cards need no hold, so they are still shown.
    """
    changed = Budget.objects.filter(pk=get_site_budget().pk, stopped_at__isnull=is_stopped)
    return bool(changed.update(stopped_at=(now or timezone.now()) if is_stopped else None))
