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
from families.consents import may_consent_alone
from families.errors import NotAParent
from families.models import FamilyErasure
from families.notices import notice_send
from families.residence import country_of
from families.selectors import parents_of, teens_of
from privacy import services

logger = logging.getLogger(__name__)

# Long enough to sleep over it, to take a copy, and to be stopped by whoever was not asked.
ERASURE_WAITS = timedelta(days=7)


class Fate(StrEnum):
    GOES = "goes"
    ASKED = "asked"
    AGREED = "agreed"
    STAYS = "stays"


@dataclass(frozen=True)
class Planned:
    """What becomes of one teen's account."""

    teen: Person
    fate: Fate

    @property
    def goes(self) -> bool:
        return self.fate in {Fate.GOES, Fate.AGREED}


def erasure_of(parent: Person) -> FamilyErasure | None:
    return FamilyErasure.objects.filter(parent=parent).first()


def due_at(erasure: FamilyErasure) -> datetime:
    return erasure.asked_at + ERASURE_WAITS


def erasures_near(teen: Person) -> list[tuple[FamilyErasure, Fate]]:
    """What the teen's parents have asked for, and what becomes of the teen by it."""
    asked = FamilyErasure.objects.filter(parent__in=parents_of(teen)).select_related("parent")
    return [(erasure, fate_of(teen, erasure)) for erasure in asked]


def fate_of(teen: Person, erasure: FamilyErasure | None) -> Fate:
    if decides_alone(teen):
        agreed = erasure is not None and erasure.agreed.filter(pk=teen.pk).exists()
        return Fate.AGREED if agreed else Fate.ASKED
    return Fate.STAYS if parents_of(teen).count() > 1 else Fate.GOES


def decides_alone(teen: Person) -> bool:
    """Whether a teen is old enough where they live; as everywhere else, while the country was not told."""
    return may_consent_alone(teen, country_of(teen) or "")


def plan_of(parent: Person) -> list[Planned]:
    """What becomes of each linked teen's account, as things stand now."""
    erasure = erasure_of(parent)
    return [Planned(teen, fate_of(teen, erasure)) for teen in teens_of(parent).order_by("pk")]


@transaction.atomic
def family_erasure_ask(*, parent: Person) -> FamilyErasure:
    """Ask for the family's accounts to be erased. Asking twice asks once. Raises NotAParent."""
    if parent.role != Role.PARENT or not teens_of(parent).exists():
        raise NotAParent
    erasure, is_new = FamilyErasure.objects.get_or_create(parent=parent)
    if is_new:
        words = _(
            "%(who)s asked to erase the family’s accounts on %(day)s. Your page says what that means for yours."
        )
        for teen in teens_of(parent):
            day = date_format(due_at(erasure).astimezone(teen.zone), "DATE_FORMAT")
            to_do = _("Read it before then, and take a copy if you want one:")
            notice_send(person=teen, words=words % {"who": parent, "day": day}, to_do=to_do)
    return erasure


@transaction.atomic
def family_erasure_take_back(*, parent: Person) -> bool:
    """Everything stays as it is. False when nothing was asked for."""
    taken, _rows = FamilyErasure.objects.filter(parent=parent).delete()
    if taken:
        words = _("%(who)s no longer asks to erase the family’s accounts.")
        for teen in teens_of(parent):
            notice_send(person=teen, words=words % {"who": parent}, to_do=_("You have nothing to do:"))
    return bool(taken)


@transaction.atomic
def family_erasure_answer(*, teen: Person, parent: Person, agree: bool) -> bool:
    """A teen who decides alone says yes, or takes it back. False when there was nothing to answer."""
    erasure = FamilyErasure.objects.filter(parent=parent, parent__in=parents_of(teen)).first()
    if erasure is None or not decides_alone(teen):
        return False
    if agree:
        erasure.agreed.add(teen)
    else:
        erasure.agreed.remove(teen)
    words = (
        _("%(who)s said yes: their account is erased with yours.")
        if agree
        else _("%(who)s keeps their account when yours is erased.")
    )
    to_do, path = _("See what becomes of each account, or take it back:"), reverse("families:data")
    notice_send(person=parent, words=words % {"who": teen}, to_do=to_do, path=path)
    return True


def family_erasures_carry_out(*, now: datetime | None = None) -> int:
    """Erase the families whose days are over. Returns how many there were.

    Each person is erased as a whole or not at all, the parent last: what breaks in the middle goes on the next night.
    """
    due = FamilyErasure.objects.filter(asked_at__lt=(now or timezone.now()) - ERASURE_WAITS)
    parents = [erasure.parent for erasure in due.select_related("parent")]
    for parent in parents:
        for planned in plan_of(parent):
            if planned.goes:
                services.person_erase(person=planned.teen)
        try:
            services.person_erase(person=parent)
        except services.LastAdmin:
            logger.error("The family of person %s waits: they are the last admin.", parent.pk)  # noqa: TRY400
    return len(parents)
