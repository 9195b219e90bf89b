"""The first page of the admin: today at a glance, and one way to each job."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.access import get_person
from budgets.dollars import format_dollars
from desk.figures import EMAIL_DAYS, UNREADABLE, is_audit_late, read_figures
from desk.health import has_problem, list_known_health
from events.times import format_day, format_event_time, format_zone
from safeguarding.review import is_tutor_open


def today(request: HttpRequest, admin_context: Mapping[str, object]) -> TemplateResponse:
    """Show the page to any member of staff, each part of it only to those who may open what it sums up."""
    person, now = get_person(request), timezone.now()
    figures = read_figures(person=person, now=now)
    parts = list_known_health(now=now)
    has_audit = figures.get("audit") is not None and figures["audit"] != UNREADABLE
    context = {
        **admin_context,
        "title": _("Today"),
        "day": format_day(now, person.zone),
        "place": format_zone(now.astimezone(person.zone), person.zone),
        "is_tutor_open": is_tutor_open(),
        "figures": figures,
        "usage": _list_usage_rows(figures.get("usage")),
        "unreadable": UNREADABLE,
        "audit_entries": _format_number(figures["audit"].entries) if has_audit else "",
        "alerts": _describe_alerts(figures.get("alerts")),
        "event": _describe_event(figures.get("next_event")),
        "mail": _describe_mail(figures.get("mail")),
        "has_audit": has_audit,
        "audit_is_late": "audit" in figures
        and figures["audit"] != UNREADABLE
        and is_audit_late(figures["audit"], now=now),
        "parts": parts,
        "has_problem": has_problem(parts),
        "email_days": EMAIL_DAYS,
        "zone": person.zone,
    }
    return TemplateResponse(request, "admin/desk/today.html", context)


def _list_usage_rows(sums: Any) -> list[tuple[object, ...]]:
    """Return a row of texts for each span of time."""
    if sums is None or sums == UNREADABLE:
        return []
    return [
        (
            span.label,
            _format_number(span.answers),
            _format_number(span.tokens),
            format_dollars(span.microdollars),
            "–" if span.local_percent is None else f"{span.local_percent}%",
        )
        for span in sums
    ]


def _describe_alerts(found: Any) -> dict[str, object] | None:
    if found is None or found == UNREADABLE:
        return None
    shown, count = found
    return {"shown": shown, "more": count - len(shown)}


def _format_number(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))


def _describe_event(found: Any) -> dict[str, object] | None:
    if found is None or found == UNREADABLE:
        return None
    counts, event = found.sign_ups, found.event
    return {
        "event": event,
        "when": format_event_time(event.starts_at, event.zone),
        "going": counts["going"],
        "waitlisted": counts["waitlisted"],
        "unconfirmed": counts["signed_up"] - counts["confirmed"],
    }


def _describe_mail(counts: Any) -> dict[str, int] | None:
    if counts is None or counts == UNREADABLE:
        return None
    return {**counts, "together": sum(counts.values())}
