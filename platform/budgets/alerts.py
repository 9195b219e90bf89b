"""Alerts about the site's and families' budgets: once a kind and period, on the desk and by email (ADR 70)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import Person, Role
from budgets.costs import UNITS, Unit
from budgets.dollars import CENT
from budgets.formatting import format_amounts, format_moment
from budgets.models import AlertKind, Budget, BudgetAlert, BudgetScope, Period
from budgets.owner_budgets import name_families
from budgets.pace import find_exhaustion
from budgets.periods import OpenPeriod, list_latest_periods
from budgets.selectors import SHORT_ANSWER_TOKENS
from kit.site import build_absolute_url
from mail.services import NewEmail, queue_emails

MOSTLY = 80
# Email programs cut off longer subjects in their lists.
MAX_SUBJECT_LENGTH = 120
# With less than this left, a budget is used up: no short answer fits.
LEAST: dict[Unit, int] = {"tokens": SHORT_ANSWER_TOKENS, "microdollars": CENT}


class Level(NamedTuple):
    """How far a period's limit in `unit` is used."""

    kind: AlertKind
    unit: Unit
    spent: int
    granted: int
    runs_out_at: datetime | None = None


def send_alerts(*, now: datetime | None = None) -> int:
    """Record and email every alert that is due. Return how many are new.

    Any number of processes may run this at once: the database lets one of them record an alert, in the transaction that
    queues its emails.
    """
    now = now or timezone.now()
    limited = Q(tokens__isnull=False) | Q(microdollars__isnull=False)
    # Grants limit nothing, so a budget without limits is never used up.
    budgets = list(Budget.objects.filter(limited, scope__in=[BudgetScope.SITE, BudgetScope.FAMILY]))
    opened = [period for period in list_latest_periods(budgets) if period.rows[0].is_open(now)]
    due = [(period, level) for period in opened for level in find_levels(period, now)]
    known = set(
        BudgetAlert.objects.filter(
            budget__in={period.budget.pk for period, _level in due},
            period_starts_at__in={period.starts_at for period, _level in due},
        ).values_list("budget", "period_starts_at", "kind")
    )
    return sum(
        _send_alert(period, level, now)
        for period, level in due
        if (period.budget.pk, period.starts_at, level.kind) not in known
    )


def find_levels(opened: OpenPeriod, now: datetime) -> list[Level]:
    """Return which alerts an open period deserves at `now`, at most one of each kind.

    What is held is not counted: most of it comes back. Of two limits, the one that is used further decides.
    """
    by_kind: dict[AlertKind, Level] = {}
    for unit in sorted(filter(opened.is_limited, UNITS), key=lambda unit: -_compute_part(opened, unit)):
        spent, granted = opened.sum("spent", unit), opened.sum("granted", unit)
        if granted <= 0:
            continue
        if granted - spent < min(LEAST[unit], granted):
            by_kind.setdefault(AlertKind.USED_UP, Level(AlertKind.USED_UP, unit, spent, granted))
        elif spent * 100 >= granted * MOSTLY:
            by_kind.setdefault(AlertKind.MOSTLY_USED, Level(AlertKind.MOSTLY_USED, unit, spent, granted))
        else:
            runs_out_at = find_exhaustion(
                spent=spent, limit=granted, starts_at=opened.starts_at, ends_at=opened.ends_at, now=now
            )
            if runs_out_at:
                level = Level(AlertKind.TOO_FAST, unit, spent, granted, runs_out_at)
                by_kind.setdefault(AlertKind.TOO_FAST, level)
    return list(by_kind.values())


def _compute_part(opened: OpenPeriod, unit: Unit) -> float:
    granted = opened.sum("granted", unit)
    return opened.sum("spent", unit) / granted if granted > 0 else 0.0


@transaction.atomic
def _send_alert(opened: OpenPeriod, level: Level, now: datetime) -> bool:
    alert, is_new = BudgetAlert.objects.get_or_create(
        budget=opened.budget,
        period_starts_at=opened.starts_at,
        kind=level.kind,
        defaults={
            "at": now,
            "unit": level.unit,
            "spent": level.spent,
            "granted": level.granted,
            "runs_out_at": level.runs_out_at,
        },
    )
    if is_new:
        queue_emails(
            new_emails=[
                _write_email(alert, reader, opened.ends_at) for reader in list_alert_readers(opened.budget)
            ]
        )
    return is_new


def list_current_alerts(*, limit: int, now: datetime | None = None) -> tuple[list[BudgetAlert], int]:
    """Return the latest alert of each budget whose period is still open, and how many there are in all.

    The site's budget comes first, then what is used up. At most `limit` are returned, in three queries at most.
    """
    now = now or timezone.now()
    same = BudgetAlert.objects.filter(
        budget=OuterRef("budget"), period_starts_at=OuterRef("period_starts_at")
    )
    opened = Period.objects.filter(
        budget=OuterRef("budget"), starts_at=OuterRef("period_starts_at"), ends_at__gt=now
    )
    alerts = BudgetAlert.objects.filter(
        Exists(opened), ~Exists(same.filter(pk__gt=OuterRef("pk"))), at__lte=now
    ).order_by(
        Case(When(budget__scope=BudgetScope.SITE, then=Value(0)), default=Value(1)),
        Case(
            When(kind=AlertKind.USED_UP, then=Value(0)),
            When(kind=AlertKind.MOSTLY_USED, then=Value(1)),
            default=Value(2),
        ),
        "-at",
        "-pk",
    )
    shown = list(alerts.select_related("budget__owner")[:limit])
    name_families(alert.budget for alert in shown)
    return shown, len(shown) if len(shown) < limit else alerts.count()


def list_alert_readers(budget: Budget) -> Sequence[Person]:
    """Return who gets a budget's alerts: admins who may change budgets, and of a family's budget also its parents."""
    may_change = Q(codename="change_budget", content_type__app_label="budgets")
    staff = Person.objects.filter(is_active=True, is_staff=True).exclude(email="")
    permitted = staff.filter(
        Q(is_superuser=True)
        | Q(user_permissions__in=_list_permissions(may_change))
        | Q(groups__permissions__in=_list_permissions(may_change))
    )
    readers = {person.pk: person for person in permitted.distinct()}
    if budget.scope == BudgetScope.FAMILY:
        parents = Person.objects.filter(is_active=True, role=Role.PARENT, budget__parent=budget)
        readers |= {person.pk: person for person in parents.exclude(email="")}
    return [readers[pk] for pk in sorted(readers)]


def _list_permissions(which: Q) -> QuerySet[Permission]:
    return Permission.objects.filter(which)


def _write_email(alert: BudgetAlert, reader: Person, ends_at: datetime) -> NewEmail:
    with translation.override(reader.language), timezone.override(reader.zone):
        is_own_family = alert.budget.scope == BudgetScope.FAMILY and not reader.is_staff
        args = [] if is_own_family else [alert.budget_id]
        whose = _("Your family’s shared allowance") if is_own_family else format_whose(alert.budget)
        path = reverse("chat:plan" if is_own_family else "admin:budgets_budget_change", args=args)
        text = "\n\n".join(
            [
                describe_alert(alert, whose),
                _("It refills on %(when)s.") % {"when": format_moment(ends_at)},
                _("Details: %(link)s") % {"link": build_absolute_url(path)},
            ]
        )
        return NewEmail(
            key=f"budget alert {alert.pk} {reader.pk}",
            to=reader.email,
            # A family has as long a name as its members together.
            subject=Truncator(_build_subject(alert, whose)).chars(MAX_SUBJECT_LENGTH),
            text=text,
            language=reader.language,
        )


def format_whose(budget: Budget) -> str:
    """Return whose budget it is, for the beginning of a sentence."""
    if budget.scope == BudgetScope.SITE:
        return _("The site’s budget")
    return _("The budget of %(family)s") % {"family": budget}


def describe_alert(alert: BudgetAlert, whose: str = "") -> str:
    """Say an alert in a sentence: how much is used, and whether that is too fast."""
    values = {
        "whose": whose or format_whose(alert.budget),
        "spent": _format(alert.unit, alert.spent),
        "granted": _format(alert.unit, alert.granted),
        "percent": round(100 * alert.spent / alert.granted),
        "when": format_moment(alert.runs_out_at) if alert.runs_out_at else "",
    }
    return {
        AlertKind.MOSTLY_USED: _("%(whose)s is used to %(percent)d%%: %(spent)s of %(granted)s."),
        AlertKind.USED_UP: _("%(whose)s is used up: %(spent)s of %(granted)s."),
        AlertKind.TOO_FAST: _(
            "At this pace, %(whose)s runs out on %(when)s. Used so far: %(spent)s of %(granted)s."
        ),
    }[AlertKind(alert.kind)] % values


def _build_subject(alert: BudgetAlert, whose: str) -> str:
    return {
        AlertKind.MOSTLY_USED: _("%(whose)s: 80%% used"),
        AlertKind.USED_UP: _("%(whose)s: used up"),
        AlertKind.TOO_FAST: _("%(whose)s: runs out early at this pace"),
    }[AlertKind(alert.kind)] % {"whose": whose}


def _format(unit: str, amount: int) -> str:
    return format_amounts({"tokens": amount} if unit == "tokens" else {"microdollars": amount})
