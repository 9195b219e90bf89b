"""Build the emails about a sign-up. Each occasion has its own key, so it is emailed once."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Concatenate
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from events.itip import build_cancellation, build_content_type, build_request
from events.models import Event, SignUp, SignUpStatus
from events.selectors import list_other_dates, list_others_at_address
from events.times import format_event_time, is_same_clock_time
from kit.hyperlinks import break_hyperlinks
from kit.site import build_absolute_url
from mail.selectors import list_complaining_addresses
from mail.services import NewAttachment, NewEmail

# Template tags leave several empty lines.
_BLANK_LINES = re.compile(r"\n(\s*\n)+")


def _use_reader_language[**More](
    write: Callable[Concatenate[SignUp, More], NewEmail],
) -> Callable[Concatenate[SignUp, More], NewEmail]:
    """Build the email in the language of the sign-up, not of the current request or task."""

    @wraps(write)
    def build(sign_up: SignUp, /, *args: More.args, **more: More.kwargs) -> NewEmail:
        with translation.override(sign_up.language):
            return write(sign_up, *args, **more)

    return build


def build_status_email(sign_up: SignUp) -> NewEmail:
    """Build the email for a sign-up's current status, for signing up and for signing up again."""
    builders = {
        SignUpStatus.UNCONFIRMED: build_confirmation_request,
        SignUpStatus.GOING: build_spot_confirmation,
        SignUpStatus.WAITLISTED: build_waitlisted,
        SignUpStatus.OFFERED: build_offer,
        SignUpStatus.OFFER_EXPIRED: build_offer_expired,
    }
    return builders[SignUpStatus(sign_up.status)](sign_up)


def exclude_unsubscribed(people: Sequence[SignUp]) -> list[SignUp]:
    """Leave out sign-ups that turned off emails, and addresses that marked our emails as spam.

    For reminders and messages only. Everyone gets the emails they ask for, changes and cancellations.
    """
    complaining = list_complaining_addresses(sign_up.email for sign_up in people)
    return [
        sign_up
        for sign_up in people
        if sign_up.unsubscribed_at is None and sign_up.email.lower() not in complaining
    ]


@_use_reader_language
def build_confirmation_request(sign_up: SignUp) -> NewEmail:
    """Ask the address's owner to confirm. Names the host if they are a guest."""
    host = break_hyperlinks(sign_up.guest_of.name) if sign_up.guest_of else ""
    others = [other for other in list_others_at_address(sign_up) if other.status != SignUpStatus.UNCONFIRMED]
    subject = _("You’re invited: %(title)s") if host else _("Confirm your spot: %(title)s")
    return _build_email(
        sign_up,
        "confirmation_request",
        subject,
        occasion=f"confirmation_request {sign_up.email_count}",
        host=host,
        by=break_hyperlinks(str(sign_up.person)) if sign_up.person else "",
        others=", ".join(break_hyperlinks(other.name) for other in others),
        has_dates=bool(sign_up.event.series_id) and list_other_dates(sign_up.event).exists(),
    )


@_use_reader_language
def build_address_full(sign_up: SignUp, *, name: str, now: datetime) -> NewEmail:
    """Say that the address has reached its limit, so no one was added. At most once a day."""
    return _build_email(
        sign_up,
        "address_full",
        _("No one was added: %(title)s"),
        occasion=f"address_full {now:%Y%m%d}",
        new_name=break_hyperlinks(name),
    )


@_use_reader_language
def build_spot_confirmation(sign_up: SignUp) -> NewEmail:
    """Say that they have a spot, with the calendar invitation."""
    return _build_email(
        sign_up,
        "spot_confirmation",
        _("You have a spot: %(title)s"),
        occasion=f"spot_confirmation {sign_up.email_count}",
        calendar=_attach_request(sign_up),
    )


@_use_reader_language
def build_waitlisted(sign_up: SignUp) -> NewEmail:
    """Say that all spots are taken and they are on the waitlist."""
    return _build_email(
        sign_up,
        "waitlisted",
        _("You’re on the waitlist: %(title)s"),
        occasion=f"waitlisted {sign_up.waitlisted_at:%Y%m%dT%H%M%S} {sign_up.email_count}",
    )


@_use_reader_language
def build_offer(sign_up: SignUp) -> NewEmail:
    """Offer a spot, until the offer expires."""
    assert sign_up.offer_expires_at  # noqa: S101 - a constraint of the database
    return _build_email(
        sign_up,
        "offer",
        _("A spot opened up: %(title)s"),
        occasion=f"offer {sign_up.offer_expires_at:%Y%m%dT%H%M%S} {sign_up.email_count}",
        until=format_event_time(sign_up.offer_expires_at, sign_up.zone),
    )


@_use_reader_language
def build_offer_expired(sign_up: SignUp) -> NewEmail:
    """Say that the offer has expired."""
    return _build_email(
        sign_up,
        "offer_expired",
        _("Your offer expired: %(title)s"),
        occasion=f"offer_expired {sign_up.waitlisted_at:%Y%m%dT%H%M%S} {sign_up.email_count}",
    )


@_use_reader_language
def build_recording(sign_up: SignUp) -> NewEmail:
    """Announce the recording, and ask for feedback."""
    event = sign_up.event
    module = (
        build_absolute_url(reverse("courses:module", args=[event.module_slug])) if event.module_slug else ""
    )
    return _build_email(
        sign_up,
        "recording",
        _("The recording: %(title)s"),
        feedback=build_absolute_url(reverse("events:feedback", args=[sign_up.token])),
        module=module,
    )


@_use_reader_language
def build_admin_message(sign_up: SignUp, *, message_id: UUID, subject: str, body: str) -> NewEmail:
    """Send an admin's own message."""
    # Escape %, because the subject is formatted later.
    subject = subject.replace("%", "%%")
    return _build_email(
        sign_up, "message", subject, occasion=f"message {message_id}", is_by_staff=True, body=body
    )


@_use_reader_language
def build_day_reminder(sign_up: SignUp) -> NewEmail:
    """Remind the person a day before the start."""
    return _build_reminder(sign_up, "day_reminder", _("Coming up: %(title)s"))


@_use_reader_language
def build_hour_reminder(sign_up: SignUp) -> NewEmail:
    """Remind the person an hour before the start, with the link to their page."""
    return _build_reminder(sign_up, "hour_reminder", _("Starting soon: %(title)s"))


def _build_reminder(sign_up: SignUp, kind: str, subject: str) -> NewEmail:
    return _build_email(sign_up, kind, subject, occasion=_get_reminder_occasion(kind, sign_up.event))


def list_reminder_keys(sign_up: SignUp, event: Event) -> list[str]:
    """List the keys of a sign-up's reminders of an event's start."""
    return [
        _build_key(sign_up, _get_reminder_occasion(kind, event)) for kind in ("day_reminder", "hour_reminder")
    ]


def _get_reminder_occasion(kind: str, event: Event) -> str:
    return f"{kind} {event.starts_at:%Y%m%dT%H%M%S}"


def _build_key(sign_up: SignUp, occasion: str) -> str:
    return f"sign-up {sign_up.pk} {occasion}"


@_use_reader_language
def build_change_notice(sign_up: SignUp, *, changes: Sequence[Promise] = ()) -> NewEmail:
    """Report a change. `changes` are the names of changed fields. With a spot, it carries the calendar update."""
    return _build_email(
        sign_up,
        "changed",
        _("Changed: %(title)s"),
        occasion=f"changed {sign_up.event.sequence}",
        calendar=_attach_request(sign_up) if sign_up.is_going else None,
        changes=", ".join(map(str, changes)),
    )


@_use_reader_language
def build_cancellation_notice(sign_up: SignUp, *, reason: str = "") -> NewEmail:
    """Report that the event was cancelled. `reason` is an admin's text."""
    return _build_email(
        sign_up,
        "cancelled",
        _("Cancelled: %(title)s"),
        calendar=_attach_cancellation(sign_up, sign_up.event.sequence) if sign_up.is_going else None,
        is_by_staff=True,
        reason=reason,
    )


@_use_reader_language
def build_left_notice(sign_up: SignUp) -> NewEmail:
    """Confirm that they left, with the calendar cancellation."""
    return _build_email(
        sign_up,
        "left",
        _("You’re no longer signed up: %(title)s"),
        calendar=_attach_cancellation(sign_up, sign_up.event.sequence + 1),
    )


def _attach_request(sign_up: SignUp) -> list[NewAttachment]:
    return [_build_attachment("REQUEST", build_request(sign_up))] if sign_up.event.has_calendar else []


def _attach_cancellation(sign_up: SignUp, sequence: int) -> list[NewAttachment]:
    event = sign_up.event
    # Past events stay in calendars.
    if event.minutes is None or event.is_over:
        return []
    return [_build_attachment("CANCEL", build_cancellation(sign_up, sequence=sequence))]


def _build_attachment(method: str, content: str) -> NewAttachment:
    return NewAttachment(
        filename="invite.ics", content_type=build_content_type(method), content=content, is_alternative=True
    )


def _build_email(
    sign_up: SignUp,
    kind: str,
    subject: str,
    *,
    occasion: str = "",
    calendar: list[NewAttachment] | None = None,
    is_by_staff: bool = False,
    **context: object,
) -> NewEmail:
    event = sign_up.event
    shared_context = {
        "sign_up": sign_up,
        "event": event,
        "when": format_event_time(event.starts_at, event.zone),
        "reader_time": ""
        if is_same_clock_time(event.starts_at, event.zone, sign_up.zone)
        else format_event_time(event.starts_at, sign_up.zone),
        "name": break_hyperlinks(sign_up.name),
        "own_page": build_absolute_url(sign_up.get_absolute_url()),
        "page": build_absolute_url(event.get_absolute_url()),
        "events": build_absolute_url(reverse("events:list")),
        "site": build_absolute_url("/"),
    }
    text = render_to_string(f"events/email/{kind}.txt", shared_context | context)
    return NewEmail(
        key=_build_key(sign_up, occasion or kind),
        to=sign_up.email,
        subject=subject % {"title": " ".join(event.text.title.split())},
        text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        attachments=calendar or [],
        unsubscribe_url=build_absolute_url(sign_up.get_unsubscribe_url()),
        is_by_staff=is_by_staff,
    )
