"""The one next step of a parent or a teen, as a card says it. No card when all is done."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Person, Role
from families import waiting
from families.consents import consent_of
from families.cooling_off import cooling_off_until
from families.erasing import decides_alone
from families.models import INVITATION_LIFE, Invitation, Link
from families.residence import country_of
from families.selectors import standing_links
from families.verification import missing_verification
from families.waiting import RequestKind, Step, WaitingRequest, name_in


def step_for(request: HttpRequest) -> Step | None:
    """The next step of whoever opens this page; none for a visitor who is not signed in."""
    person = request.user
    return next_step(person, waiting.waiting_requests(request)) if isinstance(person, Person) else None


def next_step(person: Person, requests: list[WaitingRequest]) -> Step | None:
    """The first request that waits for the person, or else what brings their family further."""
    if requests:
        return waiting.step_of(requests[0], person)
    if person.role == Role.PARENT:
        links = standing_links().filter(parent=person).select_related("parent", "teen").order_by("made_at")
        return _step_to_be_verified(list(links)) if links else _step_without_link(person)
    if person.role == Role.TEEN and consent_of(person) is None and cooling_off_until(person) is None:
        return _step_to_consent(person)
    return None


def _step_to_be_verified(links: list[Link]) -> Step | None:
    """For a parent whose consent is awaited, and does not count yet."""
    for link in links:
        missing = missing_verification(link)
        if missing and not consent_of(link.teen) and not cooling_off_until(link.teen):
            text = _("Before you can agree, we make sure that you are a parent. See what is left to do.")
            if missing.until:
                day = date_format(missing.until.astimezone(link.parent.zone), "DATETIME_FORMAT")
                text = _("Your email address was confirmed a short while ago. You can agree from %(day)s on.")
                text %= {"day": day}
            return Step(
                title=name_in(_("The tutor is closed to %(who)s until you can agree"), link.teen),
                text=text,
                action=_("Read what it is about"),
                url=reverse("families:consent_for", args=[link.pk]),
            )
    return None


def _step_to_consent(teen: Person) -> Step | None:
    if country_of(teen) is None:
        return Step(
            title=_("The tutor is closed until somebody agrees"),
            text=_("Say where you live, and you see who can agree: you, or a parent."),
            action=_("See who can agree"),
            url=reverse("families:consent"),
        )
    link = standing_links().filter(teen=teen).select_related("parent").order_by("made_at").first()
    if decides_alone(teen):
        return Step(
            title=_("The tutor is closed until you agree"),
            text=_("Read what it does and who sees what. You are old enough to decide."),
            action=_("Read and decide"),
            url=reverse("families:consent"),
        )
    if link:
        return Step(
            title=_("The tutor is closed until a parent agrees"),
            text=name_in(
                _("%(who)s sees on their page what is left to do. It helps to ask them."), link.parent
            ),
            action=_("See what they agree to"),
            url=reverse("families:consent"),
        )
    return _step_without_link(teen)


def _step_without_link(person: Person) -> Step:
    since = timezone.now() - INVITATION_LIFE
    is_parent = person.role == Role.PARENT
    url = reverse("families:family") + "#invitations"
    if Invitation.objects.filter(by=person, made_at__gt=since).exists():
        return Step(
            title=_("Your invitation waits for an answer"),
            text=_("Hand over its address if you have not yet. It works once, for a week.")
            if is_parent
            else _("The tutor opens once a parent is linked to you and agrees. Hand over the address."),
            action=_("See your invitation"),
            url=url,
        )
    if is_parent:
        return Step(
            title=_("Invite your teen"),
            text=_("Once you are both linked, you decide whether the tutor opens for them."),
            action=_("Make an invitation"),
            url=url,
        )
    return Step(
        title=_("Invite a parent"),
        text=_("The tutor opens once a parent is linked to you and agrees."),
        action=_("Make an invitation"),
        url=url,
    )


def _password(request: WaitingRequest, _person: Person) -> Step:
    return Step(
        title=name_in(_("%(who)s has forgotten their password"), request.who),
        text=_("Ask for the code on their screen. It works for half an hour."),
        action=_("Help with the password"),
        url=reverse("families:password_give", args=[request.key]),
    )


def _invitation(request: WaitingRequest, _person: Person) -> Step:
    return Step(
        title=name_in(_("%(who)s invites you to be linked here"), request.who),
        text=_("Read what it means. It takes a yes from both of you."),
        action=_("Read and answer"),
        url=reverse("families:join", args=[request.key]),
    )


def _consent(request: WaitingRequest, _person: Person) -> Step:
    return Step(
        title=name_in(_("The tutor is closed to %(who)s until you agree"), request.who),
        text=_("Read what it does and what you may see. It takes about two minutes."),
        action=_("Read and decide"),
        url=reverse("families:consent_for", args=[request.key]),
    )


def _agreement(request: WaitingRequest, _person: Person) -> Step:
    return Step(
        title=name_in(_("%(who)s would like to change your agreement"), request.who),
        text=_("Nothing changes until you say yes."),
        action=_("Read and answer"),
        url=reverse("families:agreement", args=[request.key]),
    )


def _erasure(request: WaitingRequest, _person: Person) -> Step:
    return Step(
        title=name_in(_("%(who)s asked to erase the family’s accounts"), request.who),
        text=_("Yours stays unless you say yes."),
        action=_("Read and answer"),
        url=reverse("families:family") + f"#erasure-{request.key}",
    )


REQUEST_KINDS = (
    RequestKind(waiting.PASSWORD, waiting.passwords, _password),
    RequestKind(waiting.INVITATION, waiting.invitations, _invitation),
    RequestKind(waiting.CONSENT, waiting.consents, _consent),
    RequestKind(waiting.AGREEMENT, waiting.agreements, _agreement),
    RequestKind(waiting.ERASURE, waiting.erasures, _erasure),
)
