"""How two people become a family, and how they part."""

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.age import is_grown_up
from accounts.models import Person, Role
from families.consents import consent_of, consent_withdraw
from families.cooling_off import cooling_off_day, end_cooling_off, start_cooling_off
from families.errors import AlreadyLinked, InvitationOver, WrongSide
from families.limits import limit_apply, nest_apply
from families.models import INVITATION_LIFE, Consent, Ending, Invitation, Link
from families.notices import notice_send
from families.verification import missing_verification
from families.wider_views import start_wider_view_after

SIDES = {Role.PARENT, Role.TEEN}


@transaction.atomic
def invitation_make(*, by: Person, email: str = "") -> Invitation:
    """One side's yes. Raises WrongSide for somebody who is neither parent nor teen."""
    if by.role not in SIDES:
        raise WrongSide
    return Invitation.objects.create(by=by, email=email)


def invitation_of(token: str) -> Invitation:
    """An invitation that can still be used. Raises InvitationOver."""
    since = timezone.now() - INVITATION_LIFE
    found = Invitation.objects.select_related("by").filter(token=token, made_at__gt=since).first()
    if found is None:
        raise InvitationOver
    return found


@transaction.atomic
def invitation_take_back(*, by: Person, invitation_id: int) -> None:
    Invitation.objects.filter(pk=invitation_id, by=by).delete()


@transaction.atomic
def invitation_accept(*, token: str, by: Person) -> Link:
    """The other side's yes: the two are linked, and the invitation is used up.

    Raises InvitationOver, WrongSide, or AlreadyLinked.
    """
    if not Invitation.objects.select_for_update().filter(token=token).exists():
        raise InvitationOver
    invitation = invitation_of(token)
    if {invitation.by.role, by.role} != SIDES:
        raise WrongSide
    parent, teen = (by, invitation.by) if by.role == Role.PARENT else (invitation.by, by)
    try:
        with transaction.atomic():
            link = Link.objects.create(parent=parent, teen=teen)
    except IntegrityError as fault:
        raise AlreadyLinked from fault
    _take_up_pause(link)
    # The parent first: a second parent comes into the teen's family, and not the other way round.
    nest_apply(person=parent)
    nest_apply(person=teen)
    limit_apply(teen=teen)
    invitation.delete()
    _tell_of_link(link, invitation.by, by)
    return link


def _tell_of_link(link: Link, inviter: Person, by: Person) -> None:
    words = _("%(who)s said yes: you are linked.")
    to_do, path = _("The tutor opens once a parent has agreed to it. See how things stand:"), "/family/"
    if consent_of(link.teen):
        to_do = _("Read what you agree on, and change it together if you like:")
        path = reverse("families:agreement", args=[link.pk])
    elif inviter == link.parent and missing_verification(link):
        words = _("%(who)s said yes: you are linked. The tutor stays closed until you can agree to it.")
        to_do = _("See what is left to do before that:")
        path = reverse("families:consent_for", args=[link.pk])
    elif inviter == link.parent:
        words = _("%(who)s said yes: you are linked. The tutor stays closed until you agree to it.")
        to_do = _("Read what you would agree to, and decide:")
        path = reverse("families:consent_for", args=[link.pk])
    notice_send(person=inviter, words=words % {"who": by}, to_do=to_do, path=path)


@transaction.atomic
def invitation_decline(*, token: str, by: Person) -> None:
    """The other side's no. Whoever invited is told, without a reason. Raises InvitationOver."""
    invitation = invitation_of(token)
    if invitation.by != by:
        to_do = _("Talk about it with them first. You can invite someone again at any time:")
        notice_send(person=invitation.by, words=_("Your invitation was declined."), to_do=to_do)
    invitation.delete()


@transaction.atomic
def link_end(*, link: Link, by: Person | None) -> bool:
    """Part two people; None means that the teen has grown up. The other side is told. False when it was over.

    A consent that this parent gave ends with the link: nobody answers for a teen whom they are not linked to. Where the
    parent had consented or paused, the tutor stays closed for the cooling-off time, and both are told until when.
    """
    ending = Ending.AGE if by is None else Ending.PARENT if by == link.parent else Ending.TEEN
    # The order of the locks is that of consent_give.
    Person.objects.select_for_update(no_key=True).get(pk=link.teen_id)
    standing = Link.objects.select_for_update().filter(pk=link.pk, ended_at=None).first()
    if standing is None:
        return False
    given = Consent.objects.filter(teen=link.teen, given_by=link.parent, given_as="parent", withdrawn_at=None)
    has_consented = given.exists()
    Link.objects.filter(pk=link.pk).update(ended_at=timezone.now(), ending=ending)
    if has_consented:
        consent_withdraw(teen=link.teen, by=link.teen)
    start_wider_view_after(ended=link)
    limit_apply(teen=link.teen)
    for person in (link.teen, link.parent):
        nest_apply(person=person)
    _tell_of_end(link, by)
    if by is not None and (has_consented or standing.paused_at):
        _cool_off(link)
    return True


def _tell_of_end(link: Link, by: Person | None) -> None:
    for person, other in ((link.parent, link.teen), (link.teen, link.parent)):
        if by is None:
            words = _("You and %(who)s are no longer linked here, as a teen of 18 decides alone.") % {
                "who": other
            }
            notice_send(person=person, words=words, to_do=_("You have nothing to do. Your family’s page:"))
        elif person != by:
            to_do = _(
                "Neither sees anything of the other now. To be linked again, one of you invites the other:"
            )
            notice_send(person=person, words=_("%(who)s ended your link here.") % {"who": by}, to_do=to_do)


def _cool_off(link: Link) -> None:
    until = start_cooling_off(teen=link.teen, parent=link.parent)
    words = _(
        "The link between %(parent)s and %(teen)s has ended, so the tutor is closed to %(teen)s for now. From "
        "%(day)s on it can be agreed to again. Help is always open."
    )
    for person in (link.teen, link.parent):
        day = cooling_off_day(until, person)
        notice_send(person=person, words=words % {"parent": link.parent, "teen": link.teen, "day": day})


def _take_up_pause(link: Link) -> None:
    """The two are linked again within the cooling-off time: it ends, and a pause that stood then still stands."""
    if not end_cooling_off(teen=link.teen, parent=link.parent):
        return
    ended = Link.objects.filter(parent=link.parent, teen=link.teen, ended_at__isnull=False)
    last = ended.order_by("-ended_at").first()
    if last and last.paused_at:
        link.paused_at = last.paused_at
        link.save(update_fields=["paused_at"])


def links_end_at_18() -> int:
    """End every link whose teen has reached the month of their 18th birthday. Returns how many there were."""
    today = timezone.localdate()
    born = Link.objects.filter(ended_at=None, teen__born__isnull=False).select_related("parent", "teen")
    return sum(
        link_end(link=link, by=None)
        for link in born
        if link.teen.born and is_grown_up(born=link.teen.born, on=today)
    )
