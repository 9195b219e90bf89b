"""Inviting, accepting or declining, and ending a link."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from families import links
from families.cooling_off import COOLING_OFF_PERIOD
from families.errors import AlreadyLinked, InvitationNotUsable, WrongRole
from families.forms import InvitationForm
from families.models import Invitation
from families.views.access import get_own_link
from kit.email_addresses import get_mailbox_key
from kit.hyperlinks import break_hyperlinks
from kit.rate_limits import ClientRateLimit, RateLimit, RateLimited, format_rate_limited, mark_rate_limited
from kit.site import build_absolute_url
from mail.services import queue_email

invitation_limit = RateLimit("invitations", "20/day")
# For all people together, so that strangers cannot flood a mailbox. The inviter can still share the link.
invitations_per_address_limit = RateLimit("invitations to one mailbox", "3/day")
wrong_token_limit = ClientRateLimit(
    "invitation token", person="60/hour", network="600/hour", everyone="6000/hour"
)


@sign_in_required
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Create an invitation to share or to send by email. Either way the family page shows its link."""
    person = get_person(request)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return render(request, "families/invite_wrong.html", {"form": form}, status=422)
    try:
        invitation_limit.hit(person.pk)
    except RateLimited as error:
        page = {"form": form, "error": format_rate_limited(error)}
        return mark_rate_limited(render(request, "families/invite_wrong.html", page), error)
    email = form.cleaned_data["email"]
    try:
        if email:
            invitations_per_address_limit.hit(get_mailbox_key(email))
    except RateLimited:
        email = ""
        messages.warning(
            request,
            _(
                "We’ve already sent several invitations to that address today, so we didn’t send this one. You "
                "can share the link below yourself."
            ),
        )
    try:
        _create_and_send_invitation(person, email)
    except WrongRole:
        return redirect("families:family")
    return redirect(f"{reverse('families:family')}#invitations")


@transaction.atomic
def _create_and_send_invitation(person: Person, email: str) -> Invitation:
    invitation = links.create_invitation(by=person, email=email)
    if email:
        address = build_absolute_url(reverse("families:join", args=[invitation.token]))
        queue_email(
            key=f"families.invitation:{invitation.pk}",
            to=email,
            subject=_("%(who)s invited you to link accounts on Kitchen Table") % {"who": person},
            text=render_to_string(
                "families/email/invitation.txt", {"by": break_hyperlinks(str(person)), "address": address}
            ),
        )
    return invitation


@sign_in_required
@require_POST
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Withdraw an invitation. Its link stops working."""
    links.withdraw_invitation(by=get_person(request), invitation_id=invitation_id)
    return redirect("families:family")


@require_safe
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Explain what accepting means. A visitor without an account can create one and comes back here."""
    wrong_token_limit.hit(request)
    try:
        invitation = links.get_invitation(token)
    except InvitationNotUsable:
        return render(request, "families/join_expired.html", status=404)
    wrong_token_limit.undo_hit(request)
    return render(request, "families/join.html", {"invitation": invitation, "token": token})


@sign_in_required
@require_POST
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation. A parent is asked for consent next."""
    try:
        link = links.accept_invitation(token=token, by=get_person(request))
    except InvitationNotUsable:
        return render(request, "families/join_expired.html", status=404)
    except (WrongRole, AlreadyLinked) as error:
        page = {"is_linked": isinstance(error, AlreadyLinked)}
        return render(request, "families/join_wrong.html", page, status=422)
    if link.parent == get_person(request):
        return redirect("families:consent_for", link.pk)
    return redirect("families:family")


@sign_in_required
@require_POST
def decline(request: HttpRequest, token: str) -> HttpResponse:
    """Decline an invitation."""
    try:
        links.decline_invitation(token=token, by=get_person(request))
    except InvitationNotUsable:
        return render(request, "families/join_expired.html", status=404)
    return redirect("families:family")


@sign_in_required
def end(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Ask for confirmation; a POST ends the link."""
    link = get_own_link(request, link_id)
    person = get_person(request)
    if request.method != "POST":
        other = link.teen if link.parent == person else link.parent
        page = {"link": link, "other": other, "person": person, "days": COOLING_OFF_PERIOD.days}
        return render(request, "families/end.html", page)
    links.end_link(link=link, by=person)
    return redirect("families:family")
