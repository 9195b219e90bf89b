"""The figures of today at a glance: what was used and what it cost, crisis cards, the next event, email, the audit.

Each is read only for people who may open what it sums up.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from budgets.alerts import list_current_alerts
from budgets.models import Audit, UsageRecord
from budgets.selectors import find_latest_audit
from events.statistics import find_next_event_with_sign_ups
from mail.selectors import count_undelivered
from safeguarding.counts import count_week_cards

logger = logging.getLogger(__name__)

# Email that came back is counted for this long.
EMAIL_DAYS = 7
# The audit runs every night. One that is older is missing.
MAX_AUDIT_AGE = timedelta(hours=36)
# The alerts that Today shows. The list has the others.
SHOWN_ALERTS = 5


@dataclass(frozen=True, kw_only=True)
class UsageSum:
    """What was used in a span of time: answers that a model worked on, their tokens and micro-dollars."""

    label: str | Promise
    answers: int
    tokens: int
    microdollars: int
    local_answers: int

    @property
    def local_percent(self) -> int | None:
        """How many of a hundred answers were written on this site's own machines; None without an answer."""
        return round(100 * self.local_answers / self.answers) if self.answers else None


@dataclass(frozen=True)
class Unreadable:
    """Stands for figures that could not be read. The log has the error."""


UNREADABLE = Unreadable()


def read_figures(*, person: Person, now: datetime | None = None) -> dict[str, Any]:
    """Return the figures that the person may see, by name. One that cannot be read is UNREADABLE."""
    now = now or timezone.now()
    figures: dict[str, tuple[str, Callable[[], Any]]] = {
        "usage": ("budgets.view_budget", lambda: sum_usage(person=person, now=now)),
        "alerts": ("budgets.view_budget", lambda: list_current_alerts(limit=SHOWN_ALERTS, now=now)),
        "cards": ("safeguarding.view_weeklycount", lambda: count_week_cards(now.date())),
        "next_event": ("events.view_event", lambda: find_next_event_with_sign_ups(now=now)),
        "mail": ("mail.view_email", lambda: count_undelivered(since=now - timedelta(days=EMAIL_DAYS))),
        "audit": ("budgets.view_audit", find_latest_audit),
    }
    return {
        name: _read_safely(name, read)
        for name, (permission, read) in figures.items()
        if person.has_perm(permission)
    }


def _read_safely(name: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception:
        logger.exception("The desk could not read its figures of %s.", name)
        return UNREADABLE


def sum_usage(*, person: Person, now: datetime) -> list[UsageSum]:
    """Sum what was used today, in seven days and in this month, on the person's own clock. One query."""
    midnight = now.astimezone(person.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = [
        ("today", _("Today"), midnight),
        ("week", _("Last 7 days"), midnight - timedelta(days=6)),
        ("month", _("This month"), midnight.replace(day=1)),
    ]
    columns: dict[str, Any] = {}
    for name, _label, since in spans:
        is_within = Q(at__gte=since)
        columns |= {
            f"{name}_answers": Count("pk", filter=is_within),
            f"{name}_tokens": Sum("tokens", filter=is_within, default=0),
            f"{name}_microdollars": Sum("microdollars", filter=is_within, default=0),
            f"{name}_local_answers": Count("pk", filter=is_within & Q(is_local=True)),
        }
    earliest = min(since for _name, _label, since in spans)
    sums = UsageRecord.objects.filter(at__gte=earliest, at__lte=now).aggregate(**columns)
    fields = ("answers", "tokens", "microdollars", "local_answers")
    return [
        UsageSum(label=label, **{field: sums[f"{name}_{field}"] for field in fields})
        for name, label, _since in spans
    ]


def is_audit_late(audit: Audit | None, *, now: datetime) -> bool:
    """Return whether last night's audit is missing. On a site without one, the first is not due yet."""
    return audit is not None and now - audit.at > MAX_AUDIT_AGE
