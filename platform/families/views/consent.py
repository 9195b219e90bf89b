"""Consent: its words, giving and withdrawing it, and the evidence."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import sign_in_required
from accounts.models import Person
from families import consents
from families.errors import NotTheirsToGive
from families.models import Link
from families.selectors import parents_of
from families.views.access import own_link_as_parent, person_of, teen_of


@sign_in_required
def own(request: HttpRequest) -> HttpResponse:
    """A teen's own page of consent: to give it, where they are old enough, or to see who can."""
    return _consent(request, teen_of(request))


@sign_in_required
def for_teen(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link = own_link_as_parent(request, link_id)
    return _consent(request, link.teen, link)


def _consent(request: HttpRequest, teen: Person, link: Link | None = None) -> HttpResponse:
    person, status = person_of(request), 200
    country = request.POST.get("country", "")[:2].upper()
    if request.method == "POST":
        try:
            if request.POST.get("withdraw"):
                consents.consent_withdraw(teen=teen, by=person)
            else:
                consents.consent_give(teen=teen, by=person, country=country)
                if link:
                    messages.success(request, _("The tutor is open to %(teen)s.") % {"teen": teen})
                    return redirect("families:agreement", link.pk)
            return redirect(request.path)
        except NotTheirsToGive:
            status = 422
    page = {
        "teen": teen,
        "is_own": teen == person,
        "text": consents.text_now(),
        "consent": consents.consent_of(teen),
        "countries": consents.countries(),
        "country": country,
        "parents": parents_of(teen),
        "refused": status != 200,  # noqa: PLR2004
        "own_age": consents.own_age(country),
    }
    return render(request, "families/consent.html", page, status=status)


@sign_in_required
@require_safe
@never_cache
def evidence(request: HttpRequest) -> HttpResponse:
    """Every consent about the person or given by them, as a file: what was agreed, by whom, when, to which words."""
    found = consents.consents_about(person_of(request)).select_related("teen")
    rows = [
        {
            "teen": str(consent.teen),
            "given_by": consent.given_by_name,
            "given_as": consent.given_as,
            "given_at": consent.given_at,
            "withdrawn_at": consent.withdrawn_at,
            "country": consent.country,
            "age": consent.age,
            "version": consent.version,
            "text_sha256": consent.text_hash,
        }
        for consent in found
    ]
    return JsonResponse(
        {"consents": rows}, headers={"Content-Disposition": 'attachment; filename="consents.json"'}
    )
