"""The agreement of a parent and a teen, and the parent's pause."""

from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import get_person, sign_in_required
from families.agreements import (
    answer_proposal,
    confirm_agreement_zone,
    format_zone_change,
    get_other_side,
    propose_terms,
    set_parent_pause,
)
from families.errors import NoProposalToAnswer
from families.forms import TermsForm
from families.gate import get_tutor_gate
from families.models import Link, Proposal
from families.parent_view import is_wider
from families.selectors import list_links
from families.terms import ParentView
from families.views.access import get_own_link, get_own_link_as_parent
from kit.memory_policy import MemoryPolicy


@sign_in_required
def agreement(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Show the agreement and any proposal, with a form to propose a change."""
    link = get_own_link(request, link_id)
    if request.method != "POST":
        return _render_agreement(
            request, link, TermsForm(initial=_get_initial_terms(link), likely=_list_likely_zones(link))
        )
    form = TermsForm(request.POST, likely=_list_likely_zones(link))
    if not form.is_valid():
        return _render_agreement(request, link, form, status=422)
    propose_terms(
        link=link, by=get_person(request), terms=form.terms, includes_earlier=_includes_earlier(request)
    )
    return redirect("families:agreement", link.pk)


def _includes_earlier(request: HttpRequest) -> bool:
    """Return whether the teen checked that a wider view also shows earlier questions."""
    return "includes_earlier" in request.POST


def _get_initial_terms(link: Link) -> dict[str, object]:
    terms = link.terms
    return {
        "parent_view": terms.parent_view,
        "memory": terms.memory,
        "allows_spanning_notes": terms.allows_spanning_notes,
        "local_only": terms.local_only,
        "quiet_from": terms.quiet_from and f"{terms.quiet_from:%H:%M}",
        "quiet_to": terms.quiet_to and f"{terms.quiet_to:%H:%M}",
        "answers_per_day": terms.answers_per_day,
        "time_zone": terms.time_zone,
    }


def _list_likely_zones(link: Link) -> list[str]:
    return [link.time_zone, link.teen.time_zone, link.parent.time_zone]


def _render_agreement(
    request: HttpRequest, link: Link, form: TermsForm, *, status: int = 200
) -> HttpResponse:
    person = get_person(request)
    proposal = Proposal.objects.filter(link=link).select_related("by").first()
    page = {
        "link": link,
        "other": get_other_side(link, person),
        "is_parent": link.parent == person,
        "zone_text": _describe_zone_change(link),
        "proposal": proposal,
        "is_wider": proposal is not None and is_wider(proposal.terms, link.terms),
        "form": form,
        "parent_view_choices": ParentView.choices,
        "memory_choices": reversed(MemoryPolicy.choices),
        "gate": get_tutor_gate(link.teen),
        "other_links": [
            other for other in list_links(link.teen) if other.pk != link.pk and other.teen == link.teen
        ],
        "person": person,
    }
    return render(request, "families/agreement.html", page, status=status)


def _describe_zone_change(link: Link) -> str:
    """Say when the zone changes, or return "" without a pending change."""
    if link.zone_applies_from is None or link.zone_applies_from <= timezone.now():
        return ""
    return format_zone_change(link.time_zone, link.zone_applies_from, link.earlier_zone)


@sign_in_required
@require_POST
def confirm_zone(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Confirm the time zone of an agreement, as its parent."""
    confirm_agreement_zone(link=get_own_link_as_parent(request, link_id))
    return redirect("families:agreement", link_id)


@sign_in_required
@require_POST
def answer(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Accept or decline a proposal. Nothing happens if it no longer waits."""
    link = get_own_link(request, link_id)
    with suppress(NoProposalToAnswer):
        answer_proposal(
            link=link,
            by=get_person(request),
            accept=request.POST.get("answer") == "yes",
            includes_earlier=_includes_earlier(request),
        )
    return redirect("families:agreement", link.pk)


@sign_in_required
@require_POST
def pause(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Pause or resume the tutor for a teen, as a linked parent."""
    link = get_own_link_as_parent(request, link_id)
    set_parent_pause(link=link, paused=request.POST.get("paused") == "yes")
    return redirect("families:agreement", link.pk)
