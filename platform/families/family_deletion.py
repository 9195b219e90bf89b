"""Erasing a whole family: asked for by a parent, told to everybody at once, carried out after some days.

A teen who is old enough to decide alone loses nothing without saying yes. A younger one's account goes with the
parent's, unless another parent is linked to them. Everybody can erase their own account at any time, at once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Person, Role
from families.consents import can_consent_alone
from families.errors import NotLinkedParent
from families.models import FamilyDeletion
from families.notices import send_notice
from families.residence import find_country
from families.selectors import list_parents, list_teens
from privacy import services

logger = logging.getLogger(__name__)

# Long enough to sleep over it, to take a copy, and to be stopped by whoever was not asked.
DELETION_DELAY = timedelta(days=7)


class AccountOutcome(StrEnum):
    DELETED = "deleted"
    ASKED = "asked"
    AGREED = "agreed"
    KEPT = "kept"


@dataclass(frozen=True)
class PlannedOutcome:
    """What becomes of one teen's account."""

    teen: Person
    outcome: AccountOutcome

    @property
    def is_deleted(self) -> bool:
        return self.outcome in {AccountOutcome.DELETED, AccountOutcome.AGREED}


def find_family_deletion(parent: Person) -> FamilyDeletion | None:
    return FamilyDeletion.objects.filter(parent=parent).first()


def get_due_time(deletion: FamilyDeletion) -> datetime:
    return deletion.asked_at + DELETION_DELAY


def list_family_deletions(teen: Person) -> list[tuple[FamilyDeletion, AccountOutcome]]:
    """What the teen's parents have asked for, and what becomes of the teen by it."""
    asked = FamilyDeletion.objects.filter(parent__in=list_parents(teen)).select_related("parent")
    return [(deletion, get_outcome(teen, deletion)) for deletion in asked]


def get_outcome(teen: Person, deletion: FamilyDeletion | None) -> AccountOutcome:
    if can_decide_alone(teen):
        agreed = deletion is not None and deletion.agreed_teens.filter(pk=teen.pk).exists()
        return AccountOutcome.AGREED if agreed else AccountOutcome.ASKED
    return AccountOutcome.KEPT if list_parents(teen).count() > 1 else AccountOutcome.DELETED


def can_decide_alone(teen: Person) -> bool:
    """Whether a teen is old enough where they live; as everywhere else, while the country was not told."""
    return can_consent_alone(teen, find_country(teen) or "")


def list_planned_outcomes(parent: Person) -> list[PlannedOutcome]:
    """What becomes of each linked teen's account, as things stand now."""
    deletion = find_family_deletion(parent)
    return [PlannedOutcome(teen, get_outcome(teen, deletion)) for teen in list_teens(parent).order_by("pk")]


@transaction.atomic
def request_family_deletion(*, parent: Person) -> FamilyDeletion:
    """Ask for the family's accounts to be erased. Asking twice asks once. Raises NotAParent."""
    if parent.role != Role.PARENT or not list_teens(parent).exists():
        raise NotLinkedParent
    deletion, is_new = FamilyDeletion.objects.get_or_create(parent=parent)
    if is_new:
        words = _(
            "%(who)s asked to erase the family’s accounts on %(day)s. Your page says what that means for yours."
        )
        for teen in list_teens(parent):
            day = date_format(get_due_time(deletion).astimezone(teen.zone), "DATE_FORMAT")
            to_do = _("Read it before then, and take a copy if you want one:")
            send_notice(person=teen, text=words % {"who": parent, "day": day}, action_text=to_do)
    return deletion


@transaction.atomic
def cancel_family_deletion(*, parent: Person) -> bool:
    """Everything stays as it is. False when nothing was asked for."""
    taken, _rows = FamilyDeletion.objects.filter(parent=parent).delete()
    if taken:
        words = _("%(who)s no longer asks to erase the family’s accounts.")
        for teen in list_teens(parent):
            send_notice(person=teen, text=words % {"who": parent}, action_text=_("You have nothing to do:"))
    return bool(taken)


@transaction.atomic
def answer_family_deletion(*, teen: Person, parent: Person, agree: bool) -> bool:
    """A teen who decides alone says yes, or takes it back. False when there was nothing to answer."""
    deletion = FamilyDeletion.objects.filter(parent=parent, parent__in=list_parents(teen)).first()
    if deletion is None or not can_decide_alone(teen):
        return False
    if agree:
        deletion.agreed_teens.add(teen)
    else:
        deletion.agreed_teens.remove(teen)
    words = (
        _("%(who)s said yes: their account is erased with yours.")
        if agree
        else _("%(who)s keeps their account when yours is erased.")
    )
    to_do, path = _("See what becomes of each account, or take it back:"), reverse("families:data")
    send_notice(person=parent, text=words % {"who": teen}, action_text=to_do, path=path)
    return True


def carry_out_family_deletions(*, now: datetime | None = None) -> int:
    """Erase the families whose days are over. Returns how many there were.

    Each person is erased as a whole or not at all, the parent last: what breaks in the middle goes on the next night.
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
