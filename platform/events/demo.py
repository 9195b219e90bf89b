"""An event to try the pages with. It is made up, and says so, so it exists on nobody's public site."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from events.models import Event
from events.selectors import find_next_event
from events.times import to_instant

ZONE = ZoneInfo("America/Los_Angeles")
EVENING = time(18)
THURSDAY = 3
NOTICE_DAYS = 14
DESCRIPTION = """\
This is a demo event. It is here so that you can try signing up; nobody will be there on the evening.

A real one would go like this. For an hour, families talk about what the module “The good and the bad of AI” \
teaches: what AI is, where bias comes from, what it does to learning, and how to use it well.

Bring your teen, or a friend. You need not have read anything before, and you may just listen."""


@transaction.atomic
def load_demo_event(*, now: datetime | None = None) -> Event:
    """The next event; where nothing is coming up, an evening is made. Idempotent.

    Raises ImproperlyConfigured outside demo mode.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("The demo event belongs to demo mode: nobody will come to it.")
    now = now or timezone.now()
    return find_next_event(now=now) or _create_demo_event(now)


def _create_demo_event(now: datetime) -> Event:
    day = now.astimezone(ZONE).date() + timedelta(days=NOTICE_DAYS + 1)
    day += timedelta(days=(THURSDAY - day.weekday()) % 7)
    event, _made = Event.objects.get_or_create(
        slug=f"good-and-bad-{day.isoformat()}",
        defaults={
            "title": "The good and the bad of AI, around one table",
            "summary": "One evening about what AI does well and where it fails. A demo event: try signing up.",
            "description": DESCRIPTION,
            "starts_at": to_instant(datetime.combine(day, EVENING), ZONE),
            "time_zone": ZONE.key,
            "minutes": 60,
            "capacity": 30,
            "is_published": True,
            "module_slug": "good-and-bad",
        },
    )
    return event
