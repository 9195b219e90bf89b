"""The list of incidents. It shows levels and ages, and no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.db.models import Case, Count, Max, TextChoices, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import get_person, is_htmx
from accounts.models import Person
from guard import Level
from kit.texts import parse_whole_number
from safeguarding.human_review import find_cached_human_review
from safeguarding.models import Incident
from safeguarding.on_call import can_switch_review, find_next_shift_start, list_on_call
from safeguarding.readers import is_for_lead, list_family_pairs, list_leads, list_visible_incidents
from safeguarding.reviewer_pages.access import reviewer_required
from safeguarding.reviewer_pages.drill import DRILL_CHOICES

PAGE_SIZE = 50
# A life in danger comes first.
URGENCY = Case(
    *(When(level=level, then=Value(rank)) for rank, level in enumerate(sorted(Level, reverse=True)))
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ShownIncidents(TextChoices):
    OPEN = "open", _("Open")
    MINE = "mine", _("Mine")
    CLOSED = "closed", _("Closed")


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """A page of the list. `number` counts from 1."""

    incidents: list[Incident]
    number: int
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class NewIncidents:
    """The open incidents since a moment: how many, and when the newest was opened."""

    count: int
    newest_at: datetime


@reviewer_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """List incidents. The page asks for itself again every ten seconds, and then announces new ones."""
    person = get_person(request)
    shown = request.GET.get("show", ShownIncidents.OPEN)
    if shown not in ShownIncidents.values:
        raise Http404
    number = _parse_number(request.GET.get("page", "1"))
    new = find_new_incidents(_parse_moment(request.GET.get("since", "")), person=person)
    update = {"show": shown, "page": number, "since": new.newest_at.isoformat()}
    page = {
        "person": person,
        "shown": ShownIncidents(shown),
        "choices": ShownIncidents,
        "listed": list_incidents(ShownIncidents(shown), person=person, number=number),
        "new": new,
        "next_update": f"{request.path}?{urlencode(update)}",
        "on_call": list_on_call(),
        "next_shift": find_next_shift_start(),
        "review": find_cached_human_review(),
        "can_switch": can_switch_review(person),
        "drill_choices": DRILL_CHOICES,
    }
    template = "safeguarding/review/queue.html"
    return render(request, f"{template}#update" if is_htmx(request) else template, page)


def list_incidents(shown: ShownIncidents, *, person: Person, number: int) -> QueuePage:
    """Return a page of incidents: the most urgent and oldest first and drills last, or the last closed first.

    Incidents in the person's own family are left out. At S, `waits_for` has the people who may open it if they may not.
    """
    rows = list_visible_incidents(person).select_related("claimed_by")
    if shown == ShownIncidents.CLOSED:
        rows = rows.filter(closed_at__isnull=False).order_by("-closed_at", "pk")
    else:
        rows = rows.filter(closed_at=None).order_by("is_drill", URGENCY, "opened_at", "pk")
    if shown == ShownIncidents.MINE:
        rows = rows.filter(claimed_by=person)
    start = (number - 1) * PAGE_SIZE
    fetched = list(rows[start : start + PAGE_SIZE + 1])
    _mark_for_lead(fetched[:PAGE_SIZE], person)
    return QueuePage(incidents=fetched[:PAGE_SIZE], number=number, has_more=len(fetched) > PAGE_SIZE)


def _mark_for_lead(incidents: Sequence[Incident], person: Person) -> None:
    closed = [incident for incident in incidents if is_for_lead(incident.level)]
    leads = list_leads() if closed else []
    if not closed or person in leads:
        return
    related = list_family_pairs([incident.teen_id for incident in closed if incident.teen_id], leads)
    for incident in closed:
        readers = [lead for lead in leads if (incident.teen_id, lead.pk) not in related]
        if readers or not incident.is_drill:
            incident.waits_for = readers


def find_new_incidents(since: datetime, *, person: Person) -> NewIncidents:
    """Return the real incidents that were opened since a moment. A drill is not announced as one."""
    opened = list_visible_incidents(person).filter(closed_at=None, opened_at__gt=since, is_drill=False)
    found = opened.aggregate(count=Count("pk"), newest_at=Max("opened_at"))
    return NewIncidents(count=found["count"], newest_at=found["newest_at"] or since)


def _parse_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return EPOCH
    return moment if moment.tzinfo else EPOCH


def _parse_number(text: str) -> int:
    # A larger number would overflow the database's offset.
    number = parse_whole_number(text, below=100_000)
    if not number:
        raise Http404
    return number
