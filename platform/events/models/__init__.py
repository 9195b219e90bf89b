"""What is kept of live events."""

from events.models.event import DOORS, Event, Series, Stage, validate_slug
from events.models.feed import CalendarFeed
from events.models.feedback import LONGEST_WORDS, Feedback, Worth
from events.models.sign_up import SignUp, Standing

__all__ = [
    "DOORS",
    "LONGEST_WORDS",
    "CalendarFeed",
    "Event",
    "Feedback",
    "Series",
    "SignUp",
    "Stage",
    "Standing",
    "Worth",
    "validate_slug",
]
