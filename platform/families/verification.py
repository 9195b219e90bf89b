"""How the site verifies that a parent is a parent, before their consent counts (ADR 41).

An admin sets the level. It applies to later consents; each consent keeps the level at which it was given.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.confirmations import get_mailbox_confirmed_at
from accounts.models import MailboxConfirmation, Person
from families.consent_models import CheckMethod, ParentVerification
from families.models import Consent, ConsentPolicy, Link, ParentCheck
from families.notices import NoticeText as _
from families.notices import send_notice

# Longer than a teen is likely to wait after creating a mailbox only to consent.
MAILBOX_AGE = timedelta(days=3)


@dataclass(frozen=True)
class MissingVerification:
    """What a parent lacks. `until` is when their confirmed mailbox is old enough."""

    level: ParentVerification
    until: datetime | None = None


def get_verification_level() -> ParentVerification:
    """Return the level an admin set. The default is NONE in a demo and MAILBOX elsewhere."""
    policy = ConsentPolicy.objects.first()
    if policy:
        return ParentVerification(policy.verification)
    return ParentVerification.NONE if settings.DEMO else ParentVerification.MAILBOX


def find_missing_verification(link: Link, *, now: datetime | None = None) -> MissingVerification | None:
    """Return what the link's parent lacks for the current level, or None."""
    level = get_verification_level()
    if level == ParentVerification.MAILBOX:
        confirmed_at = get_mailbox_confirmed_at(link.parent)
        until = confirmed_at + MAILBOX_AGE if confirmed_at else None
        return None if until and until <= (now or timezone.now()) else MissingVerification(level, until)
    if level == ParentVerification.ORGANIZATION and not ParentCheck.objects.filter(link=link).exists():
        return MissingVerification(level)
    return None


def build_verified_filter() -> Q:
    """Build the filter for links whose parent is verified; matches `find_missing_verification`."""
    policies = ConsentPolicy.objects.all()
    default_level = ParentVerification.NONE if settings.DEMO else ParentVerification.MAILBOX
    mailboxes = MailboxConfirmation.objects.filter(
        address__user=OuterRef("parent"), address__verified=True, confirmed_at__lte=Now() - MAILBOX_AGE
    )
    lacks_nothing = {
        ParentVerification.NONE: Q(),
        ParentVerification.MAILBOX: Q(Exists(mailboxes)),
        ParentVerification.ORGANIZATION: Q(Exists(ParentCheck.objects.filter(link=OuterRef("pk")))),
    }
    condition = Q(~Exists(policies)) & lacks_nothing[default_level]
    for level, verified in lacks_nothing.items():
        condition |= Q(Exists(policies.filter(verification=level))) & verified
    return condition


@transaction.atomic
def approve_parent(*, link: Link, method: CheckMethod, by: Person) -> ParentCheck:
    """Record that staff know the two are parent and teen, and notify the parent. Returns an existing approval."""
    check, is_new = ParentCheck.objects.get_or_create(link=link, defaults={"method": method, "by": by})
    if is_new:
        text = _(
            "We’ve confirmed that %(teen)s is your child or in your care. You can agree to the tutor now."
        )
        send_notice(person=link.parent, text=text % {"teen": link.teen})
    return check


@transaction.atomic
def withdraw_approval(*, check: ParentCheck) -> None:
    """Delete an approval. If a consent depended on it, withdraw the consent and notify both."""
    link = check.link
    check.delete()
    dependent = Consent.objects.filter(
        teen=link.teen, given_by=link.parent, verification=ParentVerification.ORGANIZATION, withdrawn_at=None
    )
    if dependent.update(withdrawn_at=timezone.now()):
        text = _("We withdrew our approval of %(parent)s. The tutor is closed until a parent agrees again.")
        for person in (link.teen, link.parent):
            send_notice(person=person, text=text % {"parent": link.parent})
