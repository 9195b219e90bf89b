"""What is deleted from incidents, and when: excerpts first, later the link to the teen. Levels, times and acts stay."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from safeguarding.incidents import add_entry
from safeguarding.models import EntryKind, HumanReview, Incident, IncidentEntry, IncidentMessage

# How long a closed incident is linked to its teen.
UNLINKED_AFTER = timedelta(days=400)


@transaction.atomic
def delete_expired_incident_data(*, now: datetime | None = None) -> int:
    """Run `delete_expired_excerpts` and `unlink_old_incidents`. Returns how many incidents changed."""
    return delete_expired_excerpts(now=now) + unlink_old_incidents(now=now)


def delete_expired_excerpts(*, now: datetime | None = None) -> int:
    """Delete the excerpts of incidents that were closed as many days ago as the organization recorded.

    Runs in the caller's transaction. Returns how many incidents changed. Excerpts of open incidents are deleted with
    their conversations.
    """
    newest = HumanReview.objects.filter(is_on=True).order_by("-pk").first()
    if newest is None:
        return 0
    before = (now or timezone.now()) - timedelta(days=newest.excerpt_days)
    with_excerpts = IncidentMessage.objects.exclude(excerpt="").values("incident")
    expired = Incident.objects.filter(closed_at__lt=before, pk__in=with_excerpts)
    return _delete_excerpts(expired)


def unlink_old_incidents(*, now: datetime | None = None) -> int:
    """Remove excerpts, notes and turns from incidents closed UNLINKED_AFTER ago, and unlink them from their teens.

    Runs in the caller's transaction. Returns how many. If home was said to be unsafe, the link stays, so that no parent
    is ever told.
    """
    before = (now or timezone.now()) - UNLINKED_AFTER
    old = Incident.objects.filter(closed_at__lt=before, teen__isnull=False)
    count = old.filter(alerts_frozen_at=None).count()
    delete_words(old)
    old.filter(alerts_frozen_at=None).update(teen=None)
    return count


def delete_words(incidents: QuerySet[Incident]) -> None:
    """Empty excerpts and notes, and unlink the turns, in the caller's transaction. History and times stay."""
    _delete_excerpts(incidents.filter(pk__in=IncidentMessage.objects.exclude(excerpt="").values("incident")))
    IncidentMessage.objects.filter(incident__in=incidents, turn_id__isnull=False).update(turn_id=None)
    IncidentEntry.objects.filter(incident__in=incidents).exclude(note="").update(note="")


def _delete_excerpts(incidents: QuerySet[Incident]) -> int:
    found = list(incidents.select_for_update(no_key=True))
    for incident in found:
        add_entry(incident, EntryKind.EXCERPTS_DELETED)
    IncidentMessage.objects.filter(incident__in=found).update(excerpt="")
    return len(found)
