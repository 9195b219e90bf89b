"""Messages from admins to the people of an event."""

from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from events import emails
from events.models import Event, SignUp, SignUpStatus
from events.selectors import list_confirmed_sign_ups
from mail.services import queue_emails


class MessageAudience(models.TextChoices):
    """Who a message goes to."""

    EVERYONE = "everyone", _("Everyone who confirmed")
    GOING = "going", _("Everyone with a spot")
    WAITLISTED = "waitlisted", _("The waitlist")


def _list_audience(event: Event, audience: MessageAudience) -> QuerySet[SignUp]:
    people = list_confirmed_sign_ups(event)
    if audience == MessageAudience.GOING:
        return people.filter(status=SignUpStatus.GOING)
    if audience == MessageAudience.WAITLISTED:
        return people.filter(status__in=[SignUpStatus.WAITLISTED, SignUpStatus.OFFERED])
    return people


def count_audiences(event: Event) -> dict[MessageAudience, int]:
    """Return how many people each audience has."""
    return {audience: _list_audience(event, audience).count() for audience in MessageAudience}


@transaction.atomic
def send_message(
    *, event: Event, message_id: UUID, audience: MessageAudience, subject: str, body: str
) -> int:
    """Email a message to an audience. Return how many emails were queued or had been.

    The same `message_id` never emails a person twice.
    """
    people = list(_list_audience(event, audience).order_by("created_at", "pk"))
    for sign_up in people:
        sign_up.event = event
    new_emails = [
        emails.build_admin_message(sign_up, message_id=message_id, subject=subject, body=body)
        for sign_up in emails.exclude_unsubscribed(people)
    ]
    return len(queue_emails(new_emails=new_emails))
