"""The personal data of this room: who was invited to the team, and what their roles were."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from desk.models import RoleChange, StaffInvitation
from desk.team import TEAM_RETENTION, delete_expired_team_records
from mail.selectors import list_verified_addresses
from privacy.registry import DataKind, Retention, Row


def _build_invitation_filter(person: Person) -> Q:
    own = Q(accepted_by=person)
    for address in list_verified_addresses(person):
        own |= Q(email__iexact=address)
    return own


def export_team(person: Person) -> Iterator[Row]:
    """Yield the invitations to a person's addresses, and the changes of their roles."""
    for invitation in StaffInvitation.objects.filter(_build_invitation_filter(person)).order_by("created_at"):
        yield {
            "at": invitation.created_at,
            "what": str(StaffInvitation._meta.verbose_name),  # noqa: SLF001 - Django documents it
            "email": invitation.email,
            "before": [],
            "after": invitation.role_labels,
        }
    for change in RoleChange.objects.filter(person=person).order_by("at"):
        yield {
            "at": change.at,
            "what": str(RoleChange._meta.verbose_name),  # noqa: SLF001 - Django documents it
            "email": "",
            "before": change.before_labels,
            "after": change.after_labels,
        }


def erase_team(person: Person) -> None:
    """Delete the invitations to a person's addresses, and their name from changes. That roles changed stays."""
    StaffInvitation.objects.filter(_build_invitation_filter(person)).delete()
    RoleChange.objects.filter(person=person).update(person=None, person_name="")
    RoleChange.objects.filter(by=person).update(by=None, by_name="")


KINDS = (
    DataKind(
        name="team",
        title=_("Work on the team"),
        description=_("Invitations to the team that runs this site, and how your roles there changed."),
        retention=Retention(
            text=_("It is deleted after %(days)d days."),
            days=TEAM_RETENTION.days,
            counted_from=_("the invitation or the change"),
            delete_expired=delete_expired_team_records,
            task="desk.tasks.delete_expired_team_records",
        ),
        visible_to=_("Owners of this site."),
        erasure_removes=_("Invitations to the team, and your name in changes of roles"),
        is_private=True,
        models=(StaffInvitation, RoleChange),
        labels={
            "at": _("when"),
            "what": _("what"),
            "email": _("sent to"),
            "before": _("roles before"),
            "after": _("roles after"),
        },
        export=export_team,
        erase=erase_team,
    ),
)
