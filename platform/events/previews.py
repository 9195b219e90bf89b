"""An event as its people would see it, before they do: its page, and every mail of it, to somebody made up."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from events import letters
from events.forms import SignUpForm
from events.models import Event, SignUp, Standing
from events.places import offer_end
from mail.models import Mail
from mail.services import mail_of

NOBODY, NOWHERE = UUID(int=0), "nobody"


def page_context(event: Event) -> dict[str, object]:
    """What the event's page is made of, for a visitor whom nobody knows."""
    return {"event": event, "form": SignUpForm(), "zone": None, "cities": []}


def mails_of(event: Event) -> dict[str, Mail]:
    """Each mail by the name of its occasion, unsaved. Its links lead nowhere."""
    now = timezone.now()
    until = offer_end(event, now) if event.starts_at > now else now + timedelta(hours=1)
    kim = SignUp(
        pk=NOBODY, event=event, name="Kim", email="kim@example.org", token=NOWHERE, standing=Standing.PLACED
    )
    kim.queued_at, kim.offer_until = now, until
    drafts = {
        "asked": letters.asked(kim),
        "invited": letters.invited(kim),
        "waiting": letters.waiting(kim),
        "offered": letters.offered(kim),
        "passed": letters.passed(kim),
        "changed": letters.changed(kim),
        "day": letters.day_before(kim),
        "hour": letters.hour_before(kim),
        "recording": letters.recording(kim),
        "left": letters.left(kim),
        "enough": letters.enough(kim, name="Lee", now=now),
        "cancelled": letters.cancelled(kim),
    }
    return {name: mail_of(draft) for name, draft in drafts.items()}
