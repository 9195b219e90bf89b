"""Consent: its text, giving and withdrawing it, and the records."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from families import consents
from families.consent_texts import ConsentText, find_text, get_current_text
from families.cooling_off import can_parents_end_cooling_off, find_cooling_off_end
from families.countries import get_country_name
from families.errors import CannotGiveConsent, CoolingOffActive, CountryNotSet, ParentNotVerified
from families.forms import ConsentForm
from families.gate import get_tutor_gate
from families.models import Consent, Link
from families.residence import find_country, record_country
from families.selectors import list_parents
from families.verification import (
    MAILBOX_AGE,
    MissingVerification,
    find_missing_verification,
    get_verification_level,
)
from families.views.access import get_own_link_as_parent, require_teen


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest) -> HttpResponse:
    """A teen's own consent page: give consent if they are old enough, or see who can."""
    return _handle_consent(request, require_teen(request))


@sign_in_required
@require_http_methods(["GET", "HEAD", "POST"])
def for_teen(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Show, give or withdraw consent for a linked teen."""
    link = get_own_link_as_parent(request, link_id)
    return _handle_consent(request, link.teen, link)


def _handle_consent(request: HttpRequest, teen: Person, link: Link | None = None) -> HttpResponse:
    if request.method != "POST":
        return _render_page(request, teen, link, ConsentForm(country=find_country(teen)))
    if request.POST.get("withdraw"):
        consents.withdraw_consent(teen=teen, by=get_person(request))
        return redirect(request.path)
    form = ConsentForm(request.POST, country=find_country(teen))
    text = _find_shown_text(request)
    if (link and find_missing_verification(link)) or not form.is_valid() or text is None:
        return _render_page(request, teen, link, form, status=422, is_outdated=text is None)
    person = get_person(request)
    try:
        # The first answer is kept even if consent is refused, so record the country first.
        record_country(teen=teen, by=person, country=form.cleaned_data["country"])
        consents.give_consent(teen=teen, by=person, text=text)
    except (CannotGiveConsent, ParentNotVerified, CoolingOffActive, CountryNotSet) as error:
        form = ConsentForm(country=find_country(teen))
        is_refused = isinstance(error, CannotGiveConsent)
        return _render_page(request, teen, link, form, status=422, is_refused=is_refused)
    if link is None:
        return redirect(request.path)
    messages.success(request, _("You agreed that %(teen)s may use the tutor.") % {"teen": teen})
    return redirect("families:agreement", link.pk)


def _find_shown_text(request: HttpRequest) -> ConsentText | None:
    """Return the text that the form showed, or None unless it is the current version, in any language."""
    return find_text(version=get_current_text().version, text_hash=request.POST.get("text_hash", ""))


def _render_page(
    request: HttpRequest,
    teen: Person,
    link: Link | None,
    form: ConsentForm,
    *,
    status: int = 200,
    **flags: bool,
) -> HttpResponse:
    person = get_person(request)
    country = find_country(teen)
    missing: MissingVerification | None = find_missing_verification(link) if link else None
    page: dict[str, Any] = {
        "person": person,
        "teen": teen,
        "is_own": teen == person,
        "text": get_current_text(),
        "consent": consents.find_consent(teen),
        "form": form,
        "chosen": form["country"].value() or "",
        "country": country and get_country_name(country),
        "own_age": country and consents.get_own_consent_age(country),
        "may_agree": link is not None or consents.can_consent_alone(teen, country),
        "parents": list_parents(teen),
        "closed_until": find_cooling_off_end(teen, except_by=person),
        "can_parents_end_it": can_parents_end_cooling_off(teen),
        "closed": get_tutor_gate(teen).closed_reason,
        "level": get_verification_level(),
        "mailbox_days": MAILBOX_AGE.days,
        "missing": missing,
        "records": consents.list_consents_about(person).filter(teen=teen),
        **flags,
    }
    return render(request, "families/consent.html", page, status=status)


@sign_in_required
@require_safe
@never_cache
def consent_record(request: HttpRequest, consent_id: int) -> HttpResponse:
    """Show one consent: the text word for word, who agreed to it, and when."""
    person = get_person(request)
    consent = consents.list_consents_about(person).select_related("teen").filter(pk=consent_id).first()
    if consent is None:
        raise Http404
    page = {
        "person": person,
        "consent": consent,
        "country": get_country_name(consent.country),
        "text": find_text(version=consent.version, text_hash=consent.text_hash),
    }
    return render(request, "families/consent_record.html", page)


@sign_in_required
@require_safe
@never_cache
def evidence(request: HttpRequest) -> HttpResponse:
    """Download every consent about the person or given by them as JSON."""
    consents_given = consents.list_consents_about(get_person(request)).select_related("teen")
    return JsonResponse(
        {"consents": [_build_evidence(consent) for consent in consents_given]},
        headers={"Content-Disposition": 'attachment; filename="consents.json"'},
    )


def _build_evidence(consent: Consent) -> dict[str, object]:
    text = find_text(version=consent.version, text_hash=consent.text_hash)
    return {
        "teen": str(consent.teen),
        "given_by": consent.given_by_name,
        "given_as": consent.given_as,
        "given_at": consent.given_at,
        "withdrawn_at": consent.withdrawn_at,
        "country": consent.country,
        "age": consent.age,
        "verification": consent.verification,
        "version": consent.version,
        "text_sha256": consent.text_hash,
        "text": asdict(text) if text else None,
    }
