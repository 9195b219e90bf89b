"""Invitations: iTIP (RFC 5546), as calendars know them from one person inviting another.

Each place is a calendar object of its own, with one attendee: nobody learns from an invitation who else comes, and its
link is that person's own. Its UID is the place's id and never changes; the event's revision is its SEQUENCE. So an
update replaces the entry and a cancellation removes it, and whoever leaves and comes again has a new one.
"""

from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from events.calendar import build_entry, render_calendar
from events.models import SignUp
from kit.lazy import lazy_module
from kit.links import break_links
from kit.site import build_absolute_url

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_module("icalendar")

# When a calendar speaks up by itself: a day before, and in time to make tea.
ALARMS = (timedelta(days=-1), timedelta(minutes=-15))


def build_content_type(method: str) -> str:
    return f"text/calendar; method={method}; charset=utf-8"


def build_request(sign_up: SignUp, *, now: datetime | None = None) -> str:
    """The invitation of a place, which is also every update of it. ValueError where the event has no known end."""
    entry = _build_invitation_entry(sign_up, now)
    entry.add("STATUS", "CONFIRMED")
    for before in ALARMS:
        alarm = icalendar.Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", sign_up.event.title)
        alarm.add("TRIGGER", before)
        entry.add_component(alarm)
    return render_calendar("REQUEST", [(sign_up.event, entry)])


def build_own_file(sign_up: SignUp, *, now: datetime | None = None) -> str:
    """The invitation's entry as a file to be opened by hand: with the same UID, so that no update doubles it."""
    return render_calendar("PUBLISH", [(sign_up.event, build_own_entry(sign_up, now=now))])


def build_own_entry(sign_up: SignUp, *, now: datetime | None = None) -> "icalendar.Event":
    """The entry of somebody's own calendar, where nobody invites anybody."""
    entry = build_entry(sign_up.event, now=now)
    entry.add("UID", str(sign_up.pk))
    _add_description(entry, sign_up)
    return entry


def build_cancellation(sign_up: SignUp, *, sequence: int, now: datetime | None = None) -> str:
    """What takes the entry of a place out of its calendar. `sequence` must be above every one that was sent."""
    entry = _build_invitation_entry(sign_up, now)
    entry["SEQUENCE"] = sequence
    # The whole of this object, whether the event is off or this person alone.
    entry.add("STATUS", "CANCELLED")
    return render_calendar("CANCEL", [(sign_up.event, entry)])


def _build_invitation_entry(sign_up: SignUp, now: datetime | None) -> "icalendar.Event":
    entry = build_entry(sign_up.event, now=now)
    entry.add("UID", str(sign_up.pk))
    entry.add("ORGANIZER", _build_organizer(), encode=False)
    entry.add("ATTENDEE", _build_attendee(sign_up), encode=False)
    _add_description(entry, sign_up)
    return entry


def _add_description(entry: "icalendar.Event", sign_up: SignUp) -> None:
    place = build_absolute_url(sign_up.get_absolute_url())
    entry.add("DESCRIPTION", f"{sign_up.event.summary}\n\n{_('Your own page, with the way in:')}\n{place}")
    entry.add("LOCATION", place)
    entry.add("URL", place)


def _build_organizer() -> "icalendar.vCalAddress":
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return _build_address(address, CN=name or "Kitchen Table")


def _build_attendee(sign_up: SignUp) -> "icalendar.vCalAddress":
    # They said yes on this site, and there is nobody here to take a calendar's answer.
    return _build_address(
        sign_up.email,
        CN=break_links(sign_up.name),
        CUTYPE="INDIVIDUAL",
        ROLE="REQ-PARTICIPANT",
        PARTSTAT="ACCEPTED",
        RSVP="FALSE",
    )


def _build_address(email: str, **params: str) -> "icalendar.vCalAddress":
    address = icalendar.vCalAddress(f"mailto:{email}")
    for name, value in params.items():
        # A parameter has no way to write this sign (RFC 5545, 3.1).
        address.params[name] = icalendar.vText(value.replace('"', "”"))
    return address
