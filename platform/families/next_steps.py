"""The next step of a parent or a teen, shown as a card. There is no card when everything is done."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Person, Role
from families import pending_requests
from families.consents import find_consent
from families.cooling_off import find_cooling_off_end
from families.family_deletion import can_decide_alone
from families.models import INVITATION_LIFETIME, Invitation, Link
from families.pending_requests import (
    NextStep,
    PendingRequest,
    RequestKind,
    format_with_name,
    list_links_without_consent,
)
from families.residence import find_country
from families.selectors import list_active_links
from families.verification import build_verified_filter, find_missing_verification


def find_step_for_page(request: HttpRequest) -> NextStep | None:
    """Return the next step of the person who opened this page, or None."""
    person = request.user
    return (
        find_next_step(person, pending_requests.get_pending_requests(request))
        if isinstance(person, Person)
        else None
    )


def find_next_step(person: Person, requests: list[PendingRequest]) -> NextStep | None:
    """Return the first pending request as a step, or else what the family needs next, or None."""
    if requests:
        return pending_requests.build_request_step(requests[0], person)
    if person.role == Role.PARENT:
        links = list_active_links().filter(parent=person)
        return _find_verification_step(links) if links.exists() else _build_first_link_step(person)
    if person.role == Role.TEEN and find_consent(person) is None and find_cooling_off_end(person) is None:
        return _build_first_consent_step(person)
    return None


def _find_verification_step(links: QuerySet[Link]) -> NextStep | None:
    """A step for a parent whose consent is needed but who is not verified yet."""
    link = (
        list_links_without_consent(links)
        .exclude(build_verified_filter())
        .select_related("parent", "teen")
        .order_by("created_at")
        .first()
    )
    missing = link and find_missing_verification(link)
    if not link or not missing:
        return None
    text = _("Before you can agree, we need to make sure you’re a parent. See what’s left to do.")
    if missing.until:
        day = date_format(missing.until.astimezone(link.parent.zone), "DATETIME_FORMAT")
        text = _("You confirmed your email address recently. You can agree from %(day)s.") % {"day": day}
    return NextStep(
        title=format_with_name(_("The tutor is closed to %(who)s until you can agree"), link.teen),
        text=text,
        action=_("Read more"),
        url=reverse("families:consent_for", args=[link.pk]),
    )


def _build_first_consent_step(teen: Person) -> NextStep | None:
    if find_country(teen) is None:
        return NextStep(
            title=_("The tutor is closed until someone agrees"),
            text=_("Tell us where you live to see who can agree: you or a parent."),
            action=_("See who can agree"),
            url=reverse("families:consent"),
        )
    link = list_active_links().filter(teen=teen).select_related("parent").order_by("created_at").first()
    if can_decide_alone(teen):
        return NextStep(
            title=_("The tutor is closed until you agree"),
            text=_("Read what it does and who sees what. You’re old enough to decide."),
            action=_("Read and decide"),
            url=reverse("families:consent"),
        )
    if link:
        return NextStep(
            title=_("The tutor is closed until a parent agrees"),
            text=format_with_name(
                _("%(who)s can see what’s left to do on their family page. It helps to ask them."),
                link.parent,
            ),
            action=_("See what they’d agree to"),
            url=reverse("families:consent"),
        )
    return _build_first_link_step(teen)


def _build_first_link_step(person: Person) -> NextStep:
    since = timezone.now() - INVITATION_LIFETIME
    is_parent = person.role == Role.PARENT
    url = reverse("families:family") + "#invitations"
    if Invitation.objects.filter(by=person, created_at__gt=since).exists():
        return NextStep(
            title=_("Your invitation hasn’t been answered yet"),
            text=_("Share the link if you haven’t yet. It works once and expires after a week.")
            if is_parent
            else _("The tutor opens once a parent is linked to you and agrees. Share the link with them."),
            action=_("See your invitation"),
            url=url,
        )
    if is_parent:
        return NextStep(
            title=_("Invite your teen"),
            text=_("Once you are both linked, you decide whether the tutor opens for them."),
            action=_("Create an invitation"),
            url=url,
        )
    return NextStep(
        title=_("Invite a parent"),
        text=_("The tutor opens once a parent is linked to you and agrees."),
        action=_("Create an invitation"),
        url=url,
    )


def _build_password_step(request: PendingRequest, _person: Person) -> NextStep:
    return NextStep(
        title=format_with_name(_("%(who)s forgot their password"), request.person_name),
        text=_("Ask for the code on their screen. It works for 30 minutes."),
        action=_("Help with the password"),
        url=reverse("families:password_give", args=[request.key]),
    )


def _build_invitation_step(request: PendingRequest, _person: Person) -> NextStep:
    return NextStep(
        title=format_with_name(_("%(who)s invited you to link accounts"), request.person_name),
        text=_("Read what it means. You both have to say yes."),
        action=_("Read and answer"),
        url=reverse("families:join", args=[request.key]),
    )


def _build_consent_step(request: PendingRequest, _person: Person) -> NextStep:
    return NextStep(
        title=format_with_name(_("The tutor is closed to %(who)s until you agree"), request.person_name),
        text=_("Read what it does and what you can see. It takes about two minutes."),
        action=_("Read and decide"),
        url=reverse("families:consent_for", args=[request.key]),
    )


def _build_agreement_step(request: PendingRequest, _person: Person) -> NextStep:
    return NextStep(
        title=format_with_name(_("%(who)s would like to change your agreement"), request.person_name),
        text=_("Nothing changes until you say yes."),
        action=_("Read and answer"),
        url=reverse("families:agreement", args=[request.key]),
    )


def _build_deletion_step(request: PendingRequest, _person: Person) -> NextStep:
    return NextStep(
        title=format_with_name(_("%(who)s asked to delete the family’s accounts"), request.person_name),
        text=_("Yours stays unless you say yes."),
        action=_("Read and answer"),
        url=reverse("families:family") + f"#deletion-{request.key}",
    )


REQUEST_KINDS = (
    RequestKind(pending_requests.PASSWORD, pending_requests.list_password_requests, _build_password_step),
    RequestKind(
        pending_requests.INVITATION, pending_requests.list_invitation_requests, _build_invitation_step
    ),
    RequestKind(pending_requests.CONSENT, pending_requests.list_consent_requests, _build_consent_step),
    RequestKind(pending_requests.AGREEMENT, pending_requests.list_agreement_requests, _build_agreement_step),
    RequestKind(pending_requests.DELETION, pending_requests.list_deletion_requests, _build_deletion_step),
)
