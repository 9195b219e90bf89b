"""A made-up event to try the pages with, in the demo only. Its description says that it is a demo."""

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
This is a demo event, so you can try signing up. No one will be there on the evening.

At a real event, families talk for an hour about the module “The good and the bad of AI”: what AI is, where bias \
comes from, what it does to learning, and how to use it well.

Bring your teen or a friend. You don’t need to prepare, and it’s fine to just listen."""

IN_SPANISH = {
    "title": "Lo bueno y lo malo de la IA, en torno a una mesa",
    "summary": "Una noche sobre lo que la IA hace bien y en qué falla. Es una demostración: prueba a inscribirte.",
    "description": """\
Este es un evento de demostración, para que puedas probar la inscripción. Esa noche no habrá nadie.

En un evento de verdad, las familias hablan durante una hora sobre el módulo “Lo bueno y lo malo de la IA”: qué es la \
IA, de dónde vienen los sesgos, qué le hace al aprendizaje y cómo usarla bien. Se habla en inglés.

Trae a tu adolescente o a alguien más. No hace falta preparar nada, y también puedes solo escuchar.""",
}


@transaction.atomic
def load_demo_event(*, now: datetime | None = None) -> Event:
    """Return the next event, creating a demo event if there is none. Idempotent.

    Raises ImproperlyConfigured outside demo mode.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("The demo event can only be created in demo mode.")
    now = now or timezone.now()
    return find_next_event(now=now) or _create_demo_event(now)


def _create_demo_event(now: datetime) -> Event:
    day = now.astimezone(ZONE).date() + timedelta(days=NOTICE_DAYS + 1)
    day += timedelta(days=(THURSDAY - day.weekday()) % 7)
    event, _is_new = Event.objects.get_or_create(
        slug=f"good-and-bad-{day.isoformat()}",
        defaults={
            "title": "The good and the bad of AI, around one table",
            "summary": "One evening about what AI does well and where it fails. A demo event: try signing up.",
            "description": DESCRIPTION,
            "translations": {"es": IN_SPANISH},
            "starts_at": to_instant(datetime.combine(day, EVENING), ZONE),
            "time_zone": ZONE.key,
            "minutes": 60,
            "capacity": 30,
            "is_published": True,
            "module_slug": "good-and-bad",
        },
    )
    return event
