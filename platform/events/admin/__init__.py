"""The admin's desk: events are written, changed, sent out and looked after here."""

from events.admin.events import EventAdmin
from events.admin.people import SignUpAdmin

__all__ = ["EventAdmin", "SignUpAdmin"]
