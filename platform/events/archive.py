"""What has been: the first event, with what is known of it and nothing more."""

from datetime import UTC, datetime

from events.models import Event

FIRST_SLUG = "how-to-talk-to-your-teens"


def load_first_event() -> bool:
    """Make the first event if it is not there. Returns whether it was made.

    What an admin has written there since stays. Its length, hosts and guests are not known and are not made up.
    """
    _event, made = Event.objects.get_or_create(
        slug=FIRST_SLUG,
        defaults={
            "title": "How to Talk to Your Teens",
            "summary": "The first event: online, on a Friday morning in December 2023.",
            "starts_at": datetime(2023, 12, 22, 19, tzinfo=UTC),
            "time_zone": "America/Los_Angeles",
            "is_published": True,
        },
    )
    return made
