"""A teen's own page about their crises, and their answer to the question whom to tell."""

from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person, Role
from kit.not_found import raise_404_on
from safeguarding.alerting import AlertRefused, answer_as_teen
from safeguarding.card_review import find_check_in_review
from safeguarding.helplines import UNSAFE_HOME, get_country_help
from safeguarding.models import AlertAnswer, Incident
from safeguarding.teen_page import list_own_incidents, list_shown_incidents

ANSWERS = frozenset(AlertAnswer) - {AlertAnswer.NONE}


@sign_in_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Show a teen what became of their crises. Anyone else gets 404, unless they have had any."""
    person = get_person(request)
    incidents = list_shown_incidents(person)
    if not incidents and person.role != Role.TEEN:
        raise Http404
    page = {
        "person": person,
        "incidents": incidents,
        # Shown even without an incident: who would read, and what.
        "review": find_check_in_review(person),
        "unsafe_home_help": get_country_help(settings.HELP_COUNTRY).for_need(UNSAFE_HOME)
        if any(shown.incident.teen_answer == AlertAnswer.UNSAFE for shown in incidents)
        else None,
    }
    return render(request, "safeguarding/mine.html", page)


@sign_in_required
@require_POST
def answer(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Store whom the teen wants told. Raises Http404 unless the incident is theirs and they were asked."""
    person = get_person(request)
    _require_own(person, incident_id)
    given = request.POST.get("answer", "")
    if given in ANSWERS:
        # The adult may have been removed since the page was shown. The page then asks again, without them.
        with raise_404_on(Incident.DoesNotExist), suppress(AlertRefused):
            answer_as_teen(incident_id=incident_id, teen=person, answer=AlertAnswer(given))
    return redirect(f"{reverse('safeguarding:mine')}#incident-{incident_id}")


def _require_own(person: Person, incident_id: UUID) -> None:
    if not list_own_incidents(person).filter(pk=incident_id, teen_asked_at__isnull=False).exists():
        raise Http404
