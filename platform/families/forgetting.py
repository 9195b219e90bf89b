"""What a family's pages need no longer."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from families.models import INVITATION_LIFE, Invitation, Notice

INVITATIONS_KEPT_FOR = INVITATION_LIFE
NOTICES_KEPT_FOR = timedelta(days=90)


@transaction.atomic
def invitations_forget(*, now: datetime | None = None) -> int:
    """Delete the invitations that nobody answered in time. Returns how many there were."""
    before = (now or timezone.now()) - INVITATIONS_KEPT_FOR
    return Invitation.objects.filter(made_at__lt=before).delete()[0]


@transaction.atomic
def notices_forget(*, now: datetime | None = None) -> int:
    """Delete old notices, whether they were seen or not. Returns how many there were."""
    before = (now or timezone.now()) - NOTICES_KEPT_FOR
    return Notice.objects.filter(at__lt=before).delete()[0]
