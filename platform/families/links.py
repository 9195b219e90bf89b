"""How two people become a family, and how they part."""

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.age import is_adult
from accounts.models import Person, Role
from families.consents import find_consent, withdraw_consent
from families.cooling_off import end_cooling_off, format_cooling_off_day, start_cooling_off
from families.errors import AlreadyLinked, InvitationExpired, WrongRole
from families.family_budget import apply_daily_cap, apply_family_budget
from families.models import INVITATION_LIFETIME, Consent, Invitation, Link, LinkEndReason
from families.notices import send_notice
from families.parent_view import restart_wider_view
from families.verification import find_missing_verification

LINKABLE_ROLES = {Role.PARENT, Role.TEEN}


@transaction.atomic
def create_invitation(*, by: Person, email: str = "") -> Invitation:
    """One side's yes. Raises WrongSide for somebody who is neither parent nor teen."""
    if by.role not in LINKABLE_ROLES:
        raise WrongRole
    return Invitation.objects.create(by=by, email=email)


def get_invitation(token: str) -> Invitation:
    """An invitation that can still be used. Raises InvitationOver."""
    since = timezone.now() - INVITATION_LIFETIME
    found = Invitation.objects.select_related("by").filter(token=token, made_at__gt=since).first()
    if found is None:
        raise InvitationExpired
    return found


@transaction.atomic
def withdraw_invitation(*, by: Person, invitation_id: int) -> None:
    Invitation.objects.filter(pk=invitation_id, by=by).delete()


@transaction.atomic
def accept_invitation(*, token: str, by: Person) -> Link:
    """The other side's yes: the two are linked, and the invitation is used up.

    Raises InvitationOver, WrongSide, or AlreadyLinked.
    """
    if not Invitation.objects.select_for_update().filter(token=token).exists():
        raise InvitationExpired
    invitation = get_invitation(token)
    if {invitation.by.role, by.role} != LINKABLE_ROLES:
        raise WrongRole
    parent, teen = (by, invitation.by) if by.role == Role.PARENT else (invitation.by, by)
    try:
        with transaction.atomic():
            link = Link.objects.create(parent=parent, teen=teen)
    except IntegrityError as fault:
        raise AlreadyLinked from fault
    _restore_pause(link)
    # The parent first: a second parent comes into the teen's family, and not the other way round.
    apply_family_budget(person=parent)
    apply_family_budget(person=teen)
    apply_daily_cap(teen=teen)
    invitation.delete()
    _notify_of_link(link, invitation.by, by)
    return link


def _notify_of_link(link: Link, inviter: Person, by: Person) -> None:
    words = _("%(who)s said yes: you are linked.")
    to_do, path = _("The tutor opens once a parent has agreed to it. See how things stand:"), "/family/"
    if find_consent(link.teen):
        to_do = _("Read what you agree on, and change it together if you like:")
        path = reverse("families:agreement", args=[link.pk])
    elif inviter == link.parent and find_missing_verification(link):
        words = _("%(who)s said yes: you are linked. The tutor stays closed until you can agree to it.")
        to_do = _("See what is left to do before that:")
        path = reverse("families:consent_for", args=[link.pk])
    elif inviter == link.parent:
        words = _("%(who)s said yes: you are linked. The tutor stays closed until you agree to it.")
        to_do = _("Read what you would agree to, and decide:")
        path = reverse("families:consent_for", args=[link.pk])
    send_notice(person=inviter, text=words % {"who": by}, action_text=to_do, path=path)


@transaction.atomic
def decline_invitation(*, token: str, by: Person) -> None:
    """The other side's no. Whoever invited is told, without a reason. Raises InvitationOver."""
    invitation = get_invitation(token)
    if invitation.by != by:
        to_do = _("Talk about it with them first. You can invite someone again at any time:")
        send_notice(person=invitation.by, text=_("Your invitation was declined."), action_text=to_do)
    invitation.delete()


@transaction.atomic
def end_link(*, link: Link, by: Person | None) -> bool:
    """Part two people; None means that the teen has grown up. The other side is told. False when it was over.

    A consent that this parent gave ends with the link: nobody answers for a teen whom they are not linked to. Where the
    parent had consented or paused, the tutor stays closed for the cooling-off time, and both are told until when.
    """
    end_reason = (
        LinkEndReason.AGE if by is None else LinkEndReason.PARENT if by == link.parent else LinkEndReason.TEEN
    )
    # The order of the locks is that of consent_give.
    Person.objects.select_for_update(no_key=True).get(pk=link.teen_id)
    standing = Link.objects.select_for_update().filter(pk=link.pk, ended_at=None).first()
    if standing is None:
        return False
    given = Consent.objects.filter(teen=link.teen, given_by=link.parent, given_as="parent", withdrawn_at=None)
    has_consented = given.exists()
    Link.objects.filter(pk=link.pk).update(ended_at=timezone.now(), end_reason=end_reason)
    if has_consented:
        withdraw_consent(teen=link.teen, by=link.teen)
    restart_wider_view(ended=link)
    apply_daily_cap(teen=link.teen)
    for person in (link.teen, link.parent):
        apply_family_budget(person=person)
    _notify_of_end(link, by)
    if by is not None and (has_consented or standing.paused_at):
        _start_cooling_off_after(link)
    return True


def _notify_of_end(link: Link, by: Person | None) -> None:
    for person, other in ((link.parent, link.teen), (link.teen, link.parent)):
        if by is None:
            words = _("You and %(who)s are no longer linked here, as a teen of 18 decides alone.") % {
                "who": other
            }
            send_notice(
                person=person, text=words, action_text=_("You have nothing to do. Your family’s page:")
            )
        elif person != by:
            to_do = _(
                "Neither sees anything of the other now. To be linked again, one of you invites the other:"
            )
            send_notice(
                person=person, text=_("%(who)s ended your link here.") % {"who": by}, action_text=to_do
            )


def _start_cooling_off_after(link: Link) -> None:
    until = start_cooling_off(teen=link.teen, parent=link.parent)
    words = _(
        "The link between %(parent)s and %(teen)s has ended, so the tutor is closed to %(teen)s for now. From "
        "%(day)s on it can be agreed to again. Help is always open."
    )
    for person in (link.teen, link.parent):
        day = format_cooling_off_day(until, person)
        send_notice(person=person, text=words % {"parent": link.parent, "teen": link.teen, "day": day})


def _restore_pause(link: Link) -> None:
    """The two are linked again within the cooling-off time: it ends, and a pause that stood then still stands."""
    if not end_cooling_off(teen=link.teen, parent=link.parent):
        return
    ended = Link.objects.filter(parent=link.parent, teen=link.teen, ended_at__isnull=False)
    last = ended.order_by("-ended_at").first()
    if last and last.paused_at:
        link.paused_at = last.paused_at
        link.save(update_fields=["paused_at"])


def end_links_at_18() -> int:
    """End every link whose teen has reached the month of their 18th birthday. Returns how many there were."""
    today = timezone.localdate()
    born = Link.objects.filter(ended_at=None, teen__born__isnull=False).select_related("parent", "teen")
    return sum(
        end_link(link=link, by=None)
        for link in born
        if link.teen.born and is_adult(born=link.teen.born, on=today)
    )
