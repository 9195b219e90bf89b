"""Calendar invitations by iTIP (RFC 5546).

Each sign-up is a calendar object of its own with one attendee, so that invitations do not reveal who else comes and
can carry a personal link. The UID is the sign-up's id and the SEQUENCE is the event's revision, so an update replaces
the entry and a cancellation removes it. Signing up again after leaving makes a new entry.
"""

from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from events.calendar import build_entry, render_calendar
from events.models import SignUp
from kit.hyperlinks import break_hyperlinks
from kit.lazy import lazy_module
from kit.site import build_absolute_url

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = lazy_module("icalendar")

# Calendar alarms: a day before the start, and 15 minutes before.
ALARMS = (timedelta(days=-1), timedelta(minutes=-15))


def build_content_type(method: str) -> str:
    """Return the content type of an iTIP message with this method."""
    return f"text/calendar; method={method}; charset=utf-8"


def build_request(sign_up: SignUp, *, now: datetime | None = None) -> str:
    """Build a sign-up's invitation, or an update of it. Raises ValueError if the event's length is not known."""
    entry = _build_invitation_entry(sign_up, now)
    entry.add("STATUS", "CONFIRMED")
    for before in ALARMS:
        alarm = icalendar.Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", sign_up.event.text.title)
        alarm.add("TRIGGER", before)
        entry.add_component(alarm)
    return render_calendar("REQUEST", [(sign_up.event, entry)])


def build_own_file(sign_up: SignUp, *, now: datetime | None = None) -> str:
    """Build the invitation's entry as a file to download. It has the same UID, so updates do not duplicate it.

    Raises ValueError as `build_entry`.
    """
    return render_calendar("PUBLISH", [(sign_up.event, build_own_entry(sign_up, now=now))])


def build_own_entry(sign_up: SignUp, *, now: datetime | None = None) -> "icalendar.Event":
    """Build a sign-up's entry without organizer and attendee, for a file or a feed.

    Raises ValueError as `build_entry`.
    """
    entry = build_entry(sign_up.event, now=now)
    entry.add("UID", str(sign_up.pk))
    _add_description(entry, sign_up)
    return entry


def build_cancellation(sign_up: SignUp, *, sequence: int, now: datetime | None = None) -> str:
    """Build the cancellation of a sign-up's entry. `sequence` must be higher than any sent before."""
    entry = _build_invitation_entry(sign_up, now)
    entry["SEQUENCE"] = sequence
    # CANCELLED also when only this person leaves: the object is theirs alone.
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
    page = build_absolute_url(sign_up.get_absolute_url())
    entry.add(
        "DESCRIPTION",
        f"{sign_up.event.text.summary}\n\n{_('Your event page, with the link to join:')}\n{page}",
    )
    entry.add("LOCATION", page)
    entry.add("URL", page)


def _build_organizer() -> "icalendar.vCalAddress":
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return _build_address(address, CN=name or "Kitchen Table")


def _build_attendee(sign_up: SignUp) -> "icalendar.vCalAddress":
    # They accepted on this site, and it does not process calendar replies.
    return _build_address(
        sign_up.email,
        CN=break_hyperlinks(sign_up.name),
        CUTYPE="INDIVIDUAL",
        ROLE="REQ-PARTICIPANT",
        PARTSTAT="ACCEPTED",
        RSVP="FALSE",
    )


def _build_address(email: str, **params: str) -> "icalendar.vCalAddress":
    address = icalendar.vCalAddress(f"mailto:{email}")
    for name, value in params.items():
        # A parameter value cannot contain a double quote (RFC 5545, 3.1).
        address.params[name] = icalendar.vText(value.replace('"', "”"))
    return address
