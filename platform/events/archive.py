"""The first event, for the list of past events. It has only the facts that are known."""

from datetime import UTC, datetime

from events.models import Event

FIRST_SLUG = "how-to-talk-to-your-teens"


def load_first_event() -> bool:
    """Create the first event if it is missing. Return whether it was created. Admins' edits are kept."""
    _event, created = Event.objects.get_or_create(
        slug=FIRST_SLUG,
        defaults={
            "title": "How to Talk to Your Teens",
            "summary": "The first event: online, on a Friday morning in December 2023.",
            "starts_at": datetime(2023, 12, 22, 19, tzinfo=UTC),
            "translations": {
                "es": {
                    "title": "Cómo hablar con tus adolescentes",
                    "summary": "El primer evento: en línea, la mañana de un viernes de diciembre de 2023.",
                    "description": "",
                }
            },
            "time_zone": "America/Los_Angeles",
            "is_published": True,
        },
    )
    return created
