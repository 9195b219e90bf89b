"""Lists of people and families with what is left of their budgets, for admins. Numbers only, never a chat."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, FloatField, Q, QuerySet, When
from django.db.models.functions import Cast, Greatest, Least, NullIf
from django.utils import timezone

from accounts.models import Person
from budgets.calendar import PeriodLength
from budgets.models import Budget, BudgetScope, Period, Plan, format_family_name
from budgets.selectors import BudgetStatus, find_plan, read_statuses
from kit.texts import normalize_line


def name_families(budgets: Iterable[Budget]) -> None:
    """Set the names of all families among these budgets and their parents, in one query."""
    families: dict[int, list[Budget]] = {}
    for budget in budgets:
        for one in (budget, budget.parent if Budget.parent.is_cached(budget) else None):
            if one is not None and one.scope == BudgetScope.FAMILY:
                families.setdefault(one.pk, []).append(one)
    if not families:
        return
    members: dict[int, list[str]] = {}
    children = Budget.objects.filter(parent__in=families, owner__isnull=False).select_related("owner")
    for child in children.order_by("pk"):
        if child.parent_id is not None:
            members.setdefault(child.parent_id, []).append(str(child.owner))
    for pk, rows in families.items():
        for row in rows:
            row.family_name = format_family_name(pk, members.get(pk, []))


def search_people(text: str, *, prefix: str = "") -> Q:
    """Match people by their name, username or email, or by those of someone in their family.

    `prefix` is the path to the person, as "owner__".
    """
    text = normalize_line(text)
    named = _match_person(text, prefix)
    family = Budget.objects.filter(_match_person(text, "owner__"), parent__scope=BudgetScope.FAMILY).values(
        "parent"
    )
    budget = "" if prefix == "owner__" else f"{prefix}budget__"
    return named | Q(**{f"{budget}parent__in": family})


def _match_person(text: str, prefix: str) -> Q:
    return (
        Q(**{f"{prefix}display_name__icontains": text})
        | Q(**{f"{prefix}username__icontains": text})
        | Q(**{f"{prefix}email__icontains": text})
    )


@dataclass(frozen=True)
class OwnerBudget:
    """A person with their plan, family and what is left. Without a budget it is what their first question will find."""

    plan: Plan
    family: Budget | None
    status: BudgetStatus


def read_owner_budgets(people: Sequence[Person], *, now: datetime | None = None) -> dict[int, OwnerBudget]:
    """Return what each person has, by the person's id, in a fixed number of queries. Creates nothing."""
    now = now or timezone.now()
    budgets = {
        budget.owner_id: budget
        for budget in Budget.objects.filter(owner__in=people).select_related("parent", "plan")
    }
    free = find_plan(None)
    for person in people:
        if person.pk in budgets:
            budgets[person.pk].owner = person
        else:
            budgets[person.pk] = Budget(
                owner=person,
                tokens=free.tokens,
                microdollars=free.microdollars,
                period_length=PeriodLength(free.period_length),
            )
    rows = [budgets[person.pk] for person in people]
    name_families(rows)
    statuses = read_statuses(rows, now=now)
    return {
        person.pk: OwnerBudget(
            plan=budget.plan or free,
            family=budget.parent if budget.parent and budget.parent.scope == BudgetScope.FAMILY else None,
            status=status,
        )
        for person, budget, status in zip(people, rows, statuses, strict=True)
    }


# The share of a period's limit that is left, of the limit that has less of it left.
_LEFT = {
    unit: Case(
        When(
            **{f"limits_{unit}": True},
            then=Greatest(
                Cast(F(f"granted{tail}") - F(f"spent{tail}") - F(f"held{tail}"), FloatField())
                / NullIf(Cast(F(f"granted{tail}"), FloatField()), 0.0),
                0.0,
            ),
        ),
        output_field=FloatField(),
    )
    for unit, tail in (("tokens", ""), ("microdollars", "_microdollars"))
}


def rank_near_edge(
    *, text: str = "", scope: str = "", unit: str = "", now: datetime | None = None
) -> QuerySet[Period]:
    """Return the open periods of people and families with a limit, with the smallest part left first.

    `part_left` is 0 to 1, of the limit in `unit`, or of the one with less left. Who has asked nothing in this period is
    not listed: all of theirs is left.
    """
    now = now or timezone.now()
    scopes = [scope] if scope else [BudgetScope.PERSON, BudgetScope.FAMILY]
    # PostgreSQL's LEAST ignores nulls, which stand for no limit.
    part = _LEFT[unit] if unit else Least(_LEFT["tokens"], _LEFT["microdollars"])
    rows = Period.objects.filter(ends_at__gt=now, budget__scope__in=scopes)
    rows = rows.annotate(part_left=part).filter(part_left__isnull=False)
    if text:
        found = Budget.objects.filter(
            search_people(text, prefix="owner__") | Q(pk__in=_find_families(text))
        ).values("pk")
        rows = rows.filter(budget__in=found)
    return rows.select_related("budget__owner", "budget__parent").order_by("part_left", "pk")


def _find_families(text: str) -> QuerySet[Budget, int | None]:
    members = Budget.objects.filter(_match_person(normalize_line(text), "owner__"))
    return members.filter(parent__scope=BudgetScope.FAMILY).values_list("parent", flat=True)
