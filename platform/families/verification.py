"""How the site makes sure that a parent is a parent, before their consent counts (ADR 41).

An admin sets the level. It holds for consents that are given from then on; each keeps the level it was given at.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.confirmations import get_mailbox_confirmed_at
from accounts.models import MailboxConfirmation, Person
from families.consent_models import CheckMethod, Verification
from families.models import Consent, ConsentPolicy, Link, ParentCheck
from families.notices import send_notice

# A mailbox that was made for this one purpose is not yet as old as that.
MAILBOX_AGE = timedelta(days=3)


@dataclass(frozen=True)
class MissingVerification:
    """What a parent lacks before their consent counts. `until` is when a confirmed mailbox is old enough."""

    level: Verification
    until: datetime | None = None


def get_verification_level() -> Verification:
    """The level that an admin has set. Before that, a demo asks for nothing, and every other site for a mailbox."""
    policy = ConsentPolicy.objects.first()
    if policy:
        return Verification(policy.verification)
    return Verification.NONE if settings.DEMO else Verification.MAILBOX


def find_missing_verification(link: Link, *, now: datetime | None = None) -> MissingVerification | None:
    """What the link's parent lacks for the level that holds now; None when nothing."""
    level = get_verification_level()
    if level == Verification.MAILBOX:
        confirmed_at = get_mailbox_confirmed_at(link.parent)
        until = confirmed_at + MAILBOX_AGE if confirmed_at else None
        return None if until and until <= (now or timezone.now()) else MissingVerification(level, until)
    if level == Verification.ORGANISATION and not ParentCheck.objects.filter(link=link).exists():
        return MissingVerification(level)
    return None


def build_verified_filter() -> Q:
    """As `find_missing_verification`, for a query of links: those whose parent lacks nothing."""
    policies = ConsentPolicy.objects.all()
    at_first = Verification.NONE if settings.DEMO else Verification.MAILBOX
    mailboxes = MailboxConfirmation.objects.filter(
        address__user=OuterRef("parent"), address__verified=True, confirmed_at__lte=Now() - MAILBOX_AGE
    )
    lacks_nothing = {
        Verification.NONE: Q(),
        Verification.MAILBOX: Q(Exists(mailboxes)),
        Verification.ORGANISATION: Q(Exists(ParentCheck.objects.filter(link=OuterRef("pk")))),
    }
    found = Q(~Exists(policies)) & lacks_nothing[at_first]
    for level, verified in lacks_nothing.items():
        found |= Q(Exists(policies.filter(verification=level))) & verified
    return found


@transaction.atomic
def approve_parent(*, link: Link, method: CheckMethod, by: Person) -> ParentCheck:
    """Staff know that the two are parent and teen. Approving twice approves once. The parent is told."""
    check, is_new = ParentCheck.objects.get_or_create(link=link, defaults={"method": method, "by": by})
    if is_new:
        words = _(
            "We have confirmed that %(teen)s is your child or in your care. You can agree to the tutor now."
        )
        send_notice(person=link.parent, text=words % {"teen": link.teen})
    return check


@transaction.atomic
def withdraw_approval(*, check: ParentCheck) -> None:
    """It was a mistake: a consent that rested on it is withdrawn, and both are told."""
    link = check.link
    check.delete()
    rested = Consent.objects.filter(
        teen=link.teen, given_by=link.parent, verification=Verification.ORGANISATION, withdrawn_at=None
    )
    if rested.update(withdrawn_at=timezone.now()):
        words = _(
            "The approval of %(parent)s was taken back. The tutor is closed until a parent agrees again."
        )
        for person in (link.teen, link.parent):
            send_notice(person=person, text=words % {"parent": link.parent})
