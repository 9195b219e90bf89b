"""How parents and teens are linked and unlinked."""

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.age import is_adult
from accounts.models import Person, Role
from families.consents import find_consent, withdraw_consent
from families.cooling_off import end_cooling_off, format_cooling_off_day, start_cooling_off
from families.errors import AlreadyLinked, InvitationNotUsable, WrongRole
from families.family_budget import apply_daily_cap, apply_family_budget
from families.models import INVITATION_LIFETIME, Consent, Invitation, Link, LinkEndReason
from families.notices import NoticeText as _
from families.notices import send_notice
from families.parent_view import restart_wider_view
from families.verification import find_missing_verification

LINKABLE_ROLES = {Role.PARENT, Role.TEEN}


@transaction.atomic
def create_invitation(*, by: Person, email: str = "") -> Invitation:
    """Create an invitation. Raises WrongRole unless `by` is a parent or a teen."""
    if by.role not in LINKABLE_ROLES:
        raise WrongRole
    return Invitation.objects.create(by=by, email=email)


def get_invitation(token: str) -> Invitation:
    """Return an invitation that can still be used. Raises InvitationNotUsable."""
    since = timezone.now() - INVITATION_LIFETIME
    invitation = Invitation.objects.select_related("by").filter(token=token, created_at__gt=since).first()
    if invitation is None:
        raise InvitationNotUsable
    return invitation


@transaction.atomic
def withdraw_invitation(*, by: Person, invitation_id: int) -> None:
    """Delete one of the person's own invitations, if it exists."""
    Invitation.objects.filter(pk=invitation_id, by=by).delete()


@transaction.atomic
def accept_invitation(*, token: str, by: Person) -> Link:
    """Link the two people, use up the invitation and notify the inviter.

    Raises InvitationNotUsable, WrongRole or AlreadyLinked.
    """
    if not Invitation.objects.select_for_update().filter(token=token).exists():
        raise InvitationNotUsable
    invitation = get_invitation(token)
    if {invitation.by.role, by.role} != LINKABLE_ROLES:
        raise WrongRole
    parent, teen = (by, invitation.by) if by.role == Role.PARENT else (invitation.by, by)
    try:
        with transaction.atomic():
            link = Link.objects.create(parent=parent, teen=teen)
    except IntegrityError as error:
        raise AlreadyLinked from error
    _restore_pause(link)
    # The parent first, so that a second parent joins the teen's family budget and not the other way round.
    apply_family_budget(person=parent)
    apply_family_budget(person=teen)
    apply_daily_cap(teen=teen)
    invitation.delete()
    _notify_of_link(link, invitation.by, by)
    return link


def _notify_of_link(link: Link, inviter: Person, by: Person) -> None:
    text = _("%(who)s said yes. You’re linked now.")
    action_text, path = _("The tutor opens once a parent agrees. See what’s left to do:"), "/family/"
    if find_consent(link.teen):
        action_text = _("Read your agreement, and change it together if you like:")
        path = reverse("families:agreement", args=[link.pk])
    elif inviter == link.parent and find_missing_verification(link):
        text = _("%(who)s said yes. You’re linked now. The tutor stays closed until you can agree to it.")
        action_text = _("See what’s left to do first:")
        path = reverse("families:consent_for", args=[link.pk])
    elif inviter == link.parent:
        text = _("%(who)s said yes. You’re linked now. The tutor stays closed until you agree to it.")
        action_text = _("Read what you’d agree to, then decide:")
        path = reverse("families:consent_for", args=[link.pk])
    send_notice(person=inviter, text=text % {"who": by}, action_text=action_text, path=path)


@transaction.atomic
def decline_invitation(*, token: str, by: Person) -> None:
    """Delete the invitation and notify the inviter, without a reason. Raises InvitationNotUsable."""
    invitation = get_invitation(token)
    if invitation.by != by:
        action_text = _("You could talk with them about it. You can invite someone again at any time:")
        send_notice(person=invitation.by, text=_("Your invitation was declined."), action_text=action_text)
    invitation.delete()


@transaction.atomic
def end_link(*, link: Link, by: Person | None) -> bool:
    """End a link and notify the other side. `by` is None when the teen has turned 18. Return False if it had ended.

    A consent that this parent gave ends too. If the parent had consented or paused the tutor, the cooling-off period
    starts and both are told when it ends.
    """
    end_reason = (
        LinkEndReason.AGE if by is None else LinkEndReason.PARENT if by == link.parent else LinkEndReason.TEEN
    )
    # Lock in the same order as give_consent.
    Person.objects.select_for_update(no_key=True).get(pk=link.teen_id)
    active = Link.objects.select_for_update().filter(pk=link.pk, ended_at=None).first()
    if active is None:
        return False
    consents = Consent.objects.filter(
        teen=link.teen, given_by=link.parent, given_as="parent", withdrawn_at=None
    )
    has_consented = consents.exists()
    Link.objects.filter(pk=link.pk).update(ended_at=timezone.now(), end_reason=end_reason)
    if has_consented:
        withdraw_consent(teen=link.teen, by=link.teen)
    restart_wider_view(ended=link)
    apply_daily_cap(teen=link.teen)
    for person in (link.teen, link.parent):
        apply_family_budget(person=person)
    _notify_of_end(link, by)
    if by is not None and (has_consented or active.paused_at):
        _start_cooling_off_after(link)
    return True


def _notify_of_end(link: Link, by: Person | None) -> None:
    for person, other in ((link.parent, link.teen), (link.teen, link.parent)):
        if by is None:
            text = _("You and %(who)s are no longer linked here. At 18, people decide for themselves.") % {
                "who": other
            }
            send_notice(
                person=person, text=text, action_text=_("There is nothing you need to do. Your family page:")
            )
        elif person != by:
            action_text = _(
                "You can’t see anything of each other’s now. To link again, one of you can invite the other:"
            )
            send_notice(
                person=person, text=_("%(who)s ended your link.") % {"who": by}, action_text=action_text
            )


def _start_cooling_off_after(link: Link) -> None:
    until = start_cooling_off(teen=link.teen, parent=link.parent)
    text = _(
        "The link between %(parent)s and %(teen)s has ended, so the tutor is closed to %(teen)s for now. "
        "Someone can agree to it again from %(day)s. Help is always open."
    )
    for person in (link.teen, link.parent):
        day = format_cooling_off_day(until, person)
        send_notice(person=person, text=text % {"parent": link.parent, "teen": link.teen, "day": day})


def _restore_pause(link: Link) -> None:
    """If the two link again during the cooling-off period, end the period and restore an earlier pause."""
    if not end_cooling_off(teen=link.teen, parent=link.parent):
        return
    ended = Link.objects.filter(parent=link.parent, teen=link.teen, ended_at__isnull=False)
    last = ended.order_by("-ended_at").first()
    if last and last.paused_at:
        link.paused_at = last.paused_at
        link.save(update_fields=["paused_at"])


def end_links_at_18() -> int:
    """End links whose teen has reached the month of their 18th birthday. Return how many."""
    today = timezone.localdate()
    born = Link.objects.filter(ended_at=None, teen__born__isnull=False).select_related("parent", "teen")
    return sum(
        end_link(link=link, by=None)
        for link in born
        if link.teen.born and is_adult(born=link.teen.born, on=today)
    )
