"""What an admin writes to people of an event, in their own words."""

from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from events import letters
from events.models import Event, SignUp, Standing
from events.selectors import people_of
from mail.services import mails_queue


class Audience(models.TextChoices):
    EVERYONE = "everyone", _("Everyone who confirmed")
    PLACED = "placed", _("Everyone with a place")
    WAITING = "waiting", _("The waiting list")


def _of(event: Event, audience: Audience) -> QuerySet[SignUp]:
    people = people_of(event)
    if audience == Audience.PLACED:
        return people.filter(standing=Standing.PLACED)
    if audience == Audience.WAITING:
        return people.filter(standing__in=[Standing.WAITING, Standing.OFFERED])
    return people


def audiences(event: Event) -> dict[Audience, int]:
    """How many people a message to each audience would go to."""
    return {audience: _of(event, audience).count() for audience in Audience}


@transaction.atomic
def event_message(*, event: Event, message_id: UUID, audience: Audience, subject: str, words: str) -> int:
    """Write to people. The same `message_id` again writes to nobody twice. Returns how many were written to."""
    people = list(_of(event, audience).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = event
    drafts = [
        letters.message(sign_up, message_id=message_id, subject=subject, words=words)
        for sign_up in letters.welcome(people)
    ]
    return len(mails_queue(drafts=drafts))
