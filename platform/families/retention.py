"""Deletes expired invitations and notices."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from families.models import INVITATION_LIFETIME, Invitation, Notice

INVITATION_RETENTION = INVITATION_LIFETIME
NOTICE_RETENTION = timedelta(days=90)


@transaction.atomic
def delete_expired_invitations(*, now: datetime | None = None) -> int:
    """Delete invitations that were not answered in time. Return how many."""
    before = (now or timezone.now()) - INVITATION_RETENTION
    return Invitation.objects.filter(created_at__lt=before).delete()[0]


@transaction.atomic
def delete_expired_notices(*, now: datetime | None = None) -> int:
    """Delete old notices, seen or not. Return how many."""
    before = (now or timezone.now()) - NOTICE_RETENTION
    return Notice.objects.filter(at__lt=before).delete()[0]
