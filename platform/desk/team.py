"""Who is on the team: inviting people, changing their roles, and ending them. Keyword-only, one transaction each."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Person, Role
from desk.models import INVITATION_LIFETIME, RoleChange, StaffInvitation
from desk.roles import ROLE_PERMISSIONS, StaffRole, list_roles
from kit.email_addresses import is_same_email
from kit.hyperlinks import break_hyperlinks
from kit.site import build_absolute_url
from mail.selectors import list_verified_addresses
from mail.services import queue_email

# How long a change, and an invitation that ended, can be looked up.
TEAM_RETENTION = timedelta(days=730)


class LastOwner(Exception):
    """The site's only owner would lose full access."""


class NotForTeens(Exception):
    """A teen's account cannot be on the team."""


class NotInvited(Exception):
    """The invitation was used, revoked, or is too old, or there is none with this token."""


class OtherAddress(Exception):
    """The account has not confirmed the address that was invited."""


def list_team() -> QuerySet[Person]:
    """Return everyone with access to pages for staff, by name, with their groups."""
    return (
        Person.objects.filter(is_staff=True).prefetch_related("groups").order_by("display_name", "username")
    )


def list_open_invitations(*, now: datetime | None = None) -> QuerySet[StaffInvitation]:
    """Return the invitations that can still be used, newest first."""
    since = (now or timezone.now()) - INVITATION_LIFETIME
    unused = StaffInvitation.objects.filter(accepted_at=None, revoked_at=None, created_at__gt=since)
    return unused.select_related("invited_by").order_by("-created_at")


@transaction.atomic
def change_roles(*, person: Person, roles: Iterable[StaffRole], by: Person) -> Person:
    """Give a person exactly these roles; none ends their access. Record what changed.

    Raises LastOwner, or NotForTeens.
    """
    wanted = [role for role in StaffRole if role in set(roles)]
    # All owners, in the order of erasing, so that of the last two one stays.
    owners_or_person = Q(is_superuser=True, is_active=True) | Q(pk=person.pk)
    locked = {
        row.pk: row for row in Person.objects.filter(owners_or_person).select_for_update().order_by("pk")
    }
    member = locked.pop(person.pk)
    if wanted and member.role == Role.TEEN:
        raise NotForTeens
    if member.is_superuser and StaffRole.OWNER not in wanted and not locked:
        raise LastOwner
    before = list_roles(member)
    if before == wanted and member.is_staff == bool(wanted):
        return member
    member.is_staff, member.is_superuser = bool(wanted), StaffRole.OWNER in wanted
    member.save(update_fields=["is_staff", "is_superuser"])
    role_groups = Group.objects.filter(name__in=[role.value for role in ROLE_PERMISSIONS])
    member.groups.remove(*role_groups)
    member.groups.add(*role_groups.filter(name__in=[role.value for role in wanted]))
    if not wanted:
        member.user_permissions.clear()
    RoleChange.objects.create(
        person=member,
        person_name=str(member),
        by=by,
        by_name=str(by),
        before=[role.value for role in before],
        after=[role.value for role in wanted],
    )
    return member


@transaction.atomic
def invite_to_team(*, email: str, roles: Sequence[StaffRole], language: str, by: Person) -> StaffInvitation:
    """Invite someone by email, in a language. An earlier invitation to the same address stops working."""
    for earlier in list_open_invitations().filter(email__iexact=email):
        revoke_invitation(invitation_id=earlier.pk)
    invitation = StaffInvitation.objects.create(
        email=email, roles=[role.value for role in roles], language=language, invited_by=by
    )
    with translation.override(language):
        address = build_absolute_url(reverse("joining:join", args=[invitation.token]))
        queue_email(
            key=f"desk.invitation:{invitation.pk}",
            to=email,
            subject=_("You’re invited to the team of Kitchen Table"),
            text=render_to_string(
                "admin/desk/email/invitation.txt",
                {
                    "by": break_hyperlinks(str(by)),
                    "roles": invitation.role_labels,
                    "address": address,
                    "days": INVITATION_LIFETIME.days,
                },
            ),
        )
    return invitation


@transaction.atomic
def revoke_invitation(*, invitation_id: int) -> bool:
    """End an invitation that no one has used. Return False if there is none, or if it had ended."""
    unused = StaffInvitation.objects.filter(pk=invitation_id, accepted_at=None, revoked_at=None)
    return bool(unused.update(revoked_at=timezone.now()))


def get_open_invitation(token: str) -> StaffInvitation:
    """Return an invitation that can still be used. Raises NotInvited."""
    invitation = list_open_invitations().filter(token=token).first()
    if invitation is None:
        raise NotInvited
    return invitation


@transaction.atomic
def accept_team_invitation(*, token: str, by: Person) -> Person:
    """Add an invitation's roles to those of the person who accepts it.

    Raises NotInvited, NotForTeens, or OtherAddress unless the person has confirmed the address it was sent to.
    """
    if not StaffInvitation.objects.select_for_update().filter(token=token).exists():
        raise NotInvited
    invitation = get_open_invitation(token)
    if by.role == Role.TEEN:
        raise NotForTeens
    if not any(is_same_email(invitation.email, address) for address in list_verified_addresses(by)):
        raise OtherAddress
    roles = {*list_roles(by), *(StaffRole(role) for role in invitation.roles)}
    invited_by = invitation.invited_by or by
    StaffInvitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now(), accepted_by=by)
    return change_roles(person=by, roles=roles, by=invited_by)


@transaction.atomic
def delete_expired_team_records(*, now: datetime | None = None) -> int:
    """Delete invitations and changes older than TEAM_RETENTION. Return how many."""
    before = (now or timezone.now()) - TEAM_RETENTION
    invitations = StaffInvitation.objects.filter(created_at__lt=before).delete()[0]
    return invitations + RoleChange.objects.filter(at__lt=before).delete()[0]
