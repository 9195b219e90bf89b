"""The models of live events."""

from events.models.event import JOIN_OPENS_BEFORE, Event, EventStage, EventText, Series, validate_slug
from events.models.feed import CalendarFeed
from events.models.feedback import MAX_COMMENT_LENGTH, Feedback, FeedbackWorth
from events.models.sign_up import SignUp, SignUpStatus

__all__ = [
    "JOIN_OPENS_BEFORE",
    "MAX_COMMENT_LENGTH",
    "CalendarFeed",
    "Event",
    "EventStage",
    "EventText",
    "Feedback",
    "FeedbackWorth",
    "Series",
    "SignUp",
    "SignUpStatus",
    "validate_slug",
]
