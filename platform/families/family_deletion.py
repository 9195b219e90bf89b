"""Deleting a whole family: a parent asks, everyone is notified, and it happens after some days.

A teen who is old enough to decide alone loses nothing without agreeing. A younger teen's account is deleted with the
parent's, unless another parent is linked to them. Everyone can delete their own account at any time.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Person, Role
from families.consents import can_consent_alone
from families.errors import NotLinkedParent
from families.models import FamilyDeletion
from families.notices import NoticeText as _
from families.notices import send_notice
from families.residence import find_country
from families.selectors import list_parents, list_teens
from privacy import services

logger = logging.getLogger(__name__)

# Long enough to think it over, to download a copy, and for the others to object.
DELETION_DELAY = timedelta(days=7)


class AccountOutcome(StrEnum):
    """What happens to a teen's account."""

    DELETED = "deleted"
    ASKED = "asked"
    AGREED = "agreed"
    KEPT = "kept"


@dataclass(frozen=True)
class PlannedOutcome:
    """A teen, and what happens to their account."""

    teen: Person
    outcome: AccountOutcome

    @property
    def is_deleted(self) -> bool:
        return self.outcome in {AccountOutcome.DELETED, AccountOutcome.AGREED}


def find_family_deletion(parent: Person) -> FamilyDeletion | None:
    return FamilyDeletion.objects.filter(parent=parent).first()


def get_due_time(deletion: FamilyDeletion) -> datetime:
    """Return when the deletion is carried out."""
    return deletion.asked_at + DELETION_DELAY


def list_family_deletions(teen: Person) -> list[tuple[FamilyDeletion, AccountOutcome]]:
    """List the requests of the teen's parents, each with the outcome for the teen."""
    deletions = FamilyDeletion.objects.filter(parent__in=list_parents(teen)).select_related("parent")
    return [(deletion, get_outcome(teen, deletion)) for deletion in deletions]


def get_outcome(teen: Person, deletion: FamilyDeletion | None) -> AccountOutcome:
    """Return what a deletion does to the teen's account. Without a deletion, what one would do."""
    if can_decide_alone(teen):
        agreed = deletion is not None and deletion.agreed_teens.filter(pk=teen.pk).exists()
        return AccountOutcome.AGREED if agreed else AccountOutcome.ASKED
    return AccountOutcome.KEPT if list_parents(teen).count() > 1 else AccountOutcome.DELETED


def can_decide_alone(teen: Person) -> bool:
    """Return whether a teen is old enough where they live, or by the default age if the country is unknown."""
    return can_consent_alone(teen, find_country(teen) or "")


def list_planned_outcomes(parent: Person) -> list[PlannedOutcome]:
    """List what would happen to each linked teen's account now."""
    deletion = find_family_deletion(parent)
    return [PlannedOutcome(teen, get_outcome(teen, deletion)) for teen in list_teens(parent).order_by("pk")]


@transaction.atomic
def request_family_deletion(*, parent: Person) -> FamilyDeletion:
    """Request the deletion of the family's accounts and notify the teens. Returns an existing request unchanged.

    Raises NotLinkedParent.
    """
    if parent.role != Role.PARENT or not list_teens(parent).exists():
        raise NotLinkedParent
    deletion, is_new = FamilyDeletion.objects.get_or_create(parent=parent)
    if is_new:
        text = _(
            "%(who)s asked to delete the family’s accounts on %(day)s. Your family page says what that means "
            "for yours."
        )
        for teen in list_teens(parent):
            day = date_format(get_due_time(deletion).astimezone(teen.zone), "DATE_FORMAT")
            action_text = _("Read it before then, and download a copy of your data if you want one:")
            send_notice(person=teen, text=text % {"who": parent, "day": day}, action_text=action_text)
    return deletion


@transaction.atomic
def cancel_family_deletion(*, parent: Person) -> bool:
    """Cancel the request and notify the teens. Return False if there was none."""
    deleted, _rows = FamilyDeletion.objects.filter(parent=parent).delete()
    if deleted:
        text = _("%(who)s canceled the request to delete the family’s accounts.")
        for teen in list_teens(parent):
            send_notice(
                person=teen, text=text % {"who": parent}, action_text=_("There is nothing you need to do:")
            )
    return bool(deleted)


@transaction.atomic
def answer_family_deletion(*, teen: Person, parent: Person, agree: bool) -> bool:
    """Record a teen's yes or no and notify the parent.

    Return False if there is no request, or if the teen is too young to decide.
    """
    deletion = FamilyDeletion.objects.filter(parent=parent, parent__in=list_parents(teen)).first()
    if deletion is None or not can_decide_alone(teen):
        return False
    if agree:
        deletion.agreed_teens.add(teen)
    else:
        deletion.agreed_teens.remove(teen)
    text = (
        _("%(who)s said yes: their account will be deleted with yours.")
        if agree
        else _("%(who)s will keep their account when yours is deleted.")
    )
    action_text, path = _("See what happens to each account, or cancel:"), reverse("families:data")
    send_notice(person=parent, text=text % {"who": teen}, action_text=action_text, path=path)
    return True


def carry_out_family_deletions(*, now: datetime | None = None) -> int:
    """Delete families whose waiting period is over. Return how many were due.

    Each account is deleted in its own transaction, the parent last, so that a failed run continues the next night.
    """
    due = FamilyDeletion.objects.filter(asked_at__lt=(now or timezone.now()) - DELETION_DELAY)
    parents = [deletion.parent for deletion in due.select_related("parent")]
    for parent in parents:
        for planned in list_planned_outcomes(parent):
            if planned.is_deleted:
                services.erase_person(person=planned.teen)
        try:
            services.erase_person(person=parent)
        except services.LastAdmin:
            logger.error("The family of person %s waits: they are the last admin.", parent.pk)  # noqa: TRY400
    return len(parents)
