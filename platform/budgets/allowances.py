"""Whose budget lies within whose, and what each allows: plans, caps, limits, and the site's emergency stop."""

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
    """The budget that all others lie within; it limits nothing until an admin says so."""
    site, _made = Budget.objects.get_or_create(
        scope=BudgetScope.SITE,
        defaults={"period_length": PeriodLength.MONTH, "time_zone": settings.DEFAULT_PERSON_TIME_ZONE},
    )
    return site


def load_plans() -> Plan:
    """Make the plans that come with the site, where they are missing. Returns Free."""
    delivered = build_default_plan()
    defaults = {"name": delivered.name, "tokens": delivered.tokens}
    free, made = Plan.objects.get_or_create(slug=Plan.FREE, defaults=defaults)
    if made:
        pro = {
            "name": _("Pro"),
            "tokens": 10 * default_daily_tokens(),
            "memory_tokens": 2 * free.memory_tokens,
        }
        Plan.objects.get_or_create(slug=Plan.PRO, defaults=pro)
    return free


def get_free_plan() -> Plan:
    return Plan.objects.filter(slug=Plan.FREE).first() or load_plans()


def get_budget(*, owner: Person) -> Budget:
    """Somebody's budget, with those around it; it is made within the site's where they have none yet."""
    found = Budget.objects.select_related("owner", "parent__parent")
    if mine := found.filter(owner=owner).first():
        return mine
    limits = {"parent": get_site_budget(), **_compute_limits(get_free_plan(), None)}
    Budget.objects.get_or_create(owner=owner, defaults=limits)
    return found.get(owner=owner)


@transaction.atomic
def create_family_budget(*, time_zone: str) -> Budget:
    """A budget that people may share. It limits nothing until an admin says so."""
    return Budget.objects.create(
        scope=BudgetScope.FAMILY,
        parent=get_site_budget(),
        period_length=PeriodLength.MONTH,
        time_zone=time_zone,
    )


@transaction.atomic
def set_parent_budget(*, owner: Person, parent: Budget) -> Budget:
    """Put somebody's budget within another one from now on; what is held stays where it was held.

    Raises DoesNotNest for another person's.
    """
    if parent.scope == BudgetScope.PERSON:
        raise InvalidNesting
    mine = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    if mine.parent_id != parent.pk:
        mine.parent = parent
        mine.save(update_fields=["parent"])
    return mine


@transaction.atomic
def assign_plan(*, owner: Person, plan: Plan | None, now: datetime | None = None) -> Budget:
    """Put somebody on a plan, from this period on; None is Free. What is spent and held stays covered."""
    mine = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    mine.plan = plan
    mine.save(update_fields=["plan"])
    return set_allowance(budget=mine, **_compute_limits(plan or get_free_plan(), mine.daily_cap), now=now)


@transaction.atomic
def set_cap(
    *, owner: Person, daily_tokens: int | None, time_zone: str = "", now: datetime | None = None
) -> Budget:
    """Cap what somebody may use a day below what their plan gives, as their family agreed; None lifts it.

    Their day begins in `time_zone`, by default where they live.
    """
    mine = Budget.objects.select_for_update(no_key=True).get(pk=get_budget(owner=owner).pk)
    if (mine.daily_cap, mine.time_zone) == (daily_tokens, time_zone):
        return mine
    mine.daily_cap, mine.time_zone = daily_tokens, time_zone
    mine.save(update_fields=["daily_cap", "time_zone"])
    return set_allowance(budget=mine, **_compute_limits(mine.plan or get_free_plan(), daily_tokens), now=now)


def save_plan(*, plan: Plan, now: datetime | None = None) -> None:
    """Keep a plan that was made or changed, and give everybody who is on it what it says now."""
    plan.save()
    on_it = Q(plan=plan) | Q(plan=None) if plan.slug == Plan.FREE else Q(plan=plan)
    for budget in Budget.objects.filter(on_it, scope=BudgetScope.PERSON, owner__isnull=False).order_by("pk"):
        set_allowance(budget=budget, **_compute_limits(plan, budget.daily_cap), now=now)


def _compute_limits(plan: Plan, daily_cap: int | None) -> dict[str, Any]:
    """What a plan and a cap come to. A cap is for a day: with one, a longer plan is given out by days too."""
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
    """Change what a budget allows a period (None: no limit), from its open one on.

    That never falls below what is spent and held in it. A new length or time zone counts from the next on.
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
    given = LedgerEntry.objects.filter(period__in=opened.rows, kind=EntryKind.GRANT)
    gifts = given.aggregate(tokens=Sum("tokens", default=0), microdollars=Sum("microdollars", default=0))
    totals: dict[Unit, int] = {}
    for unit in UNITS:
        allowed = getattr(opened.budget, unit)
        totals[unit] = opened.share_of(allowed) + gifts[unit]
        if allowed is not None:
            totals[unit] = max(totals[unit], opened.used(unit))
        for row in opened.rows:
            setattr(row, f"limits_{unit}", allowed is not None)
    opened.set_granted(kind=EntryKind.ALLOWANCE, at=now, totals=totals, memo="The allowance was changed.")


@transaction.atomic
def set_site_stopped(*, stopped: bool, now: datetime | None = None) -> bool:
    """Stop the whole site from holding anything, or let it go on. False when it was so already.

    What is being answered is answered to its end; help cards ask the ledger nothing.
    """
    changed = Budget.objects.filter(pk=get_site_budget().pk, stopped_at__isnull=stopped)
    return bool(changed.update(stopped_at=(now or timezone.now()) if stopped else None))
