"""Whose budget lies within whose, and what each allows: plans, caps, limits, and the site's emergency stop."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Person
from budgets.errors import DoesNotNest
from budgets.models import Budget, Entry, EntryKind, Floor, Plan, default_daily_tokens, plan_as_delivered
from budgets.needs import WHATS, What
from budgets.periods import OpenPeriod, period_latest
from budgets.spans import DAYS, Length


def site_budget() -> Budget:
    """The budget that all others lie within; it limits nothing until an admin says so."""
    site, _made = Budget.objects.get_or_create(
        kind=Floor.SITE,
        defaults={"length": Length.MONTH, "time_zone": settings.DEFAULT_PERSON_TIME_ZONE},
    )
    return site


def plans_load() -> Plan:
    """Make the plans that come with the site, where they are missing. Returns Free."""
    delivered = plan_as_delivered()
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


def plan_free() -> Plan:
    return Plan.objects.filter(slug=Plan.FREE).first() or plans_load()


def budget_of(*, owner: Person) -> Budget:
    """Somebody's budget, with those around it; it is made within the site's where they have none yet."""
    found = Budget.objects.select_related("owner", "within__within")
    if mine := found.filter(owner=owner).first():
        return mine
    limits = {"within": site_budget(), **_limits_of(plan_free(), None)}
    Budget.objects.get_or_create(owner=owner, defaults=limits)
    return found.get(owner=owner)


@transaction.atomic
def family_make(*, time_zone: str) -> Budget:
    """A budget that people may share. It limits nothing until an admin says so."""
    return Budget.objects.create(
        kind=Floor.FAMILY, within=site_budget(), length=Length.MONTH, time_zone=time_zone
    )


@transaction.atomic
def budget_nest(*, owner: Person, within: Budget) -> Budget:
    """Put somebody's budget within another one from now on; what is held stays where it was held.

    Raises DoesNotNest for another person's.
    """
    if within.kind == Floor.PERSON:
        raise DoesNotNest
    mine = Budget.objects.select_for_update(no_key=True).get(pk=budget_of(owner=owner).pk)
    if mine.within_id != within.pk:
        mine.within = within
        mine.save(update_fields=["within"])
    return mine


@transaction.atomic
def plan_assign(*, owner: Person, plan: Plan | None, now: datetime | None = None) -> Budget:
    """Put somebody on a plan, from this period on; None is Free. What is spent and held stays covered."""
    mine = Budget.objects.select_for_update(no_key=True).get(pk=budget_of(owner=owner).pk)
    mine.plan = plan
    mine.save(update_fields=["plan"])
    return allowance_set(budget=mine, **_limits_of(plan or plan_free(), mine.daily_cap), now=now)


@transaction.atomic
def cap_set(
    *, owner: Person, daily_tokens: int | None, time_zone: str = "", now: datetime | None = None
) -> Budget:
    """Cap what somebody may use a day below what their plan gives, as their family agreed; None lifts it.

    Their day begins in `time_zone`, by default where they live.
    """
    mine = Budget.objects.select_for_update(no_key=True).get(pk=budget_of(owner=owner).pk)
    if (mine.daily_cap, mine.time_zone) == (daily_tokens, time_zone):
        return mine
    mine.daily_cap, mine.time_zone = daily_tokens, time_zone
    mine.save(update_fields=["daily_cap", "time_zone"])
    return allowance_set(budget=mine, **_limits_of(mine.plan or plan_free(), daily_tokens), now=now)


def plan_save(*, plan: Plan, now: datetime | None = None) -> None:
    """Keep a plan that was made or changed, and give everybody who is on it what it says now."""
    plan.save()
    on_it = Q(plan=plan) | Q(plan=None) if plan.slug == Plan.FREE else Q(plan=plan)
    for budget in Budget.objects.filter(on_it, kind=Floor.PERSON, owner__isnull=False).order_by("pk"):
        allowance_set(budget=budget, **_limits_of(plan, budget.daily_cap), now=now)


def _limits_of(plan: Plan, daily_cap: int | None) -> dict[str, Any]:
    """What a plan and a cap come to. A cap is for a day: with one, a longer plan is given out by days too."""
    if daily_cap is None:
        return {"tokens": plan.tokens, "microdollars": plan.microdollars, "length": plan.length}
    days = DAYS[Length(plan.length)]
    return {
        "tokens": daily_cap if plan.tokens is None else min(daily_cap, plan.tokens // days),
        "microdollars": None if plan.microdollars is None else plan.microdollars // days,
        "length": Length.DAY,
    }


@transaction.atomic
def allowance_set(
    *,
    budget: Budget,
    tokens: int | None,
    microdollars: int | None = None,
    length: str | None = None,
    time_zone: str | None = None,
    now: datetime | None = None,
) -> Budget:
    """Change what a budget allows a period (None: no limit), from its open one on.

    That never falls below what is spent and held in it. A new length or time zone counts from the next on.
    """
    now = now or timezone.now()
    budget = Budget.objects.select_for_update(no_key=True).get(pk=budget.pk)
    budget.tokens, budget.microdollars = tokens, microdollars
    budget.length = length or budget.length
    budget.time_zone = budget.time_zone if time_zone is None else time_zone
    budget.save(update_fields=["tokens", "microdollars", "length", "time_zone"])
    opened = period_latest(budget, lock=True)
    if opened and opened.rows[0].is_open(now):
        _allow(opened, now)
    return budget


def _allow(opened: OpenPeriod, now: datetime) -> None:
    given = Entry.objects.filter(period__in=opened.rows, kind=EntryKind.GIFT)
    gifts = given.aggregate(tokens=Sum("tokens", default=0), microdollars=Sum("microdollars", default=0))
    totals: dict[What, int] = {}
    for what in WHATS:
        allowed = getattr(opened.budget, what)
        totals[what] = opened.share_of(allowed) + gifts[what]
        if allowed is not None:
            totals[what] = max(totals[what], opened.used(what))
        for row in opened.rows:
            setattr(row, f"limits_{what}", allowed is not None)
    opened.grant_in_all(kind=EntryKind.GRANT, at=now, totals=totals, memo="The allowance was changed.")


@transaction.atomic
def site_stop_set(*, stopped: bool, now: datetime | None = None) -> bool:
    """Stop the whole site from holding anything, or let it go on. False when it was so already.

    What is being answered is answered to its end; help cards ask the ledger nothing.
    """
    changed = Budget.objects.filter(pk=site_budget().pk, stopped_at__isnull=stopped)
    return bool(changed.update(stopped_at=(now or timezone.now()) if stopped else None))
