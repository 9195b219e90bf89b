"""The agreement of two people, and the parent's pause."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import person_of, sign_in_required
from families.agreements import (
    other_side,
    pause_set,
    proposal_answer,
    terms_propose,
    zone_change_words,
    zone_confirm,
)
from families.errors import NotTheirsToAnswer
from families.forms import TermsForm
from families.gate import gate_of
from families.models import Link, Proposal
from families.selectors import links_of
from families.terms import View
from families.views.access import own_link, own_link_as_parent
from families.wider_views import is_wider


@sign_in_required
def agreement(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """What holds between the two, what is proposed, and the form to wish for something else."""
    link = own_link(request, link_id)
    if request.method != "POST":
        return _agreement(request, link, TermsForm(initial=_typed(link), likely=_likely(link)))
    form = TermsForm(request.POST, likely=_likely(link))
    if not form.is_valid():
        return _agreement(request, link, form, status=422)
    terms_propose(link=link, by=person_of(request), terms=form.terms, opens_earlier=_opens_earlier(request))
    return redirect("families:agreement", link.pk)


def _opens_earlier(request: HttpRequest) -> bool:
    """Whether the teen ticked that a wider view also shows what they asked before."""
    return "opens_earlier" in request.POST


def _typed(link: Link) -> dict[str, object]:
    terms = link.terms
    return {
        "view": terms.view,
        "memory": terms.memory,
        "quiet_from": terms.quiet_from and f"{terms.quiet_from:%H:%M}",
        "quiet_to": terms.quiet_to and f"{terms.quiet_to:%H:%M}",
        "answers_a_day": terms.answers_a_day,
        "time_zone": terms.time_zone,
    }


def _likely(link: Link) -> list[str]:
    return [link.time_zone, link.teen.time_zone, link.parent.time_zone]


def _agreement(request: HttpRequest, link: Link, form: TermsForm, *, status: int = 200) -> HttpResponse:
    person = person_of(request)
    proposal = Proposal.objects.filter(link=link).select_related("by").first()
    page = {
        "link": link,
        "other": other_side(link, person),
        "is_parent": link.parent == person,
        "zone_words": _zone_words(link),
        "proposal": proposal,
        "is_wider": proposal is not None and is_wider(proposal.terms, link.terms),
        "form": form,
        "views": View.choices,
        "gate": gate_of(link.teen),
        "other_links": [one for one in links_of(link.teen) if one.pk != link.pk and one.teen == link.teen],
        "person": person,
    }
    return render(request, "families/agreement.html", page, status=status)


def _zone_words(link: Link) -> str:
    """That the zone is about to change; empty where it is not."""
    if link.zone_from is None or link.zone_from <= timezone.now():
        return ""
    return zone_change_words(link.time_zone, link.zone_from, link.earlier_zone)


@sign_in_required
@require_POST
def confirm_zone(request: HttpRequest, link_id: UUID) -> HttpResponse:
    zone_confirm(link=own_link_as_parent(request, link_id))
    return redirect("families:agreement", link_id)


@sign_in_required
@require_POST
def answer(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link = own_link(request, link_id)
    try:
        proposal_answer(
            link=link,
            by=person_of(request),
            accept=request.POST.get("answer") == "yes",
            opens_earlier=_opens_earlier(request),
        )
    except NotTheirsToAnswer:
        return redirect("families:agreement", link.pk)
    return redirect("families:agreement", link.pk)


@sign_in_required
@require_POST
def pause(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link = own_link_as_parent(request, link_id)
    pause_set(link=link, paused=request.POST.get("paused") == "yes")
    return redirect("families:agreement", link.pk)
