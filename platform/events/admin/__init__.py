"""The admin of events and sign-ups."""

from events.admin.events import EventAdmin
from events.admin.people import SignUpAdmin

__all__ = ["EventAdmin", "SignUpAdmin"]
