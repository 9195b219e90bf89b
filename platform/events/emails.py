"""What is said by mail to somebody who signed up. Each occasion has a key of its own, so that each is told once."""

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
from kit.links import break_links
from kit.site import build_absolute_url
from mail.selectors import list_complaining_addresses
from mail.services import NewAttachment, NewEmail

# What the templates' tags leave behind.
_BLANK_LINES = re.compile(r"\n(\s*\n)+")


def _in_reader_language[**More](
    write: Callable[Concatenate[SignUp, More], NewEmail],
) -> Callable[Concatenate[SignUp, More], NewEmail]:
    """Write in the language that they signed up in, whoever's page or task it is that has them told."""

    @wraps(write)
    def writing(sign_up: SignUp, /, *args: More.args, **more: More.kwargs) -> NewEmail:
        with translation.override(sign_up.language):
            return write(sign_up, *args, **more)

    return writing


def build_status_email(sign_up: SignUp) -> NewEmail:
    """What somebody is told who signs up, and again when they do so again."""
    say = {
        SignUpStatus.UNCONFIRMED: build_confirmation_request,
        SignUpStatus.GOING: build_invitation,
        SignUpStatus.WAITLISTED: build_waitlisted,
        SignUpStatus.OFFERED: build_offer,
        SignUpStatus.OFFER_EXPIRED: build_offer_expired,
    }
    return say[SignUpStatus(sign_up.status)](sign_up)


def exclude_unsubscribed(people: Sequence[SignUp]) -> list[SignUp]:
    """Without those who called mail from here unwanted.

    And without those who stopped our letters. They still get what they ask for themselves, and word of a change or a
    cancellation: who misses that comes to a closed door.
    """
    unwilling = list_complaining_addresses(sign_up.email for sign_up in people)
    return [one for one in people if one.unsubscribed_at is None and one.email.lower() not in unwilling]


@_in_reader_language
def build_confirmation_request(sign_up: SignUp) -> NewEmail:
    """Was it you? Whoever brings them is named."""
    host = break_links(sign_up.guest_of.name) if sign_up.guest_of else ""
    others = [one for one in list_others_at_address(sign_up) if one.status != SignUpStatus.UNCONFIRMED]
    subject = _("Come along? %(title)s") if host else _("Confirm your place: %(title)s")
    return _build_email(
        sign_up,
        "asked",
        subject,
        occasion=f"asked {sign_up.email_count}",
        host=host,
        by=break_links(str(sign_up.person)) if sign_up.person else "",
        others=", ".join(break_links(one.name) for one in others),
        has_dates=bool(sign_up.event.series_id) and list_other_dates(sign_up.event).exists(),
    )


@_in_reader_language
def build_address_full(sign_up: SignUp, *, name: str, now: datetime) -> NewEmail:
    """As many as may share an address have signed up with it: nobody is added. It is said once a day."""
    return _build_email(
        sign_up,
        "enough",
        _("Nobody was added: %(title)s"),
        occasion=f"enough {now:%Y%m%d}",
        new_name=break_links(name),
    )


@_in_reader_language
def build_invitation(sign_up: SignUp) -> NewEmail:
    """You have a place: the invitation."""
    return _build_email(
        sign_up,
        "invited",
        _("Your place: %(title)s"),
        occasion=f"invited {sign_up.email_count}",
        calendar=_attach_request(sign_up),
    )


@_in_reader_language
def build_waitlisted(sign_up: SignUp) -> NewEmail:
    """All places are taken: they wait in line."""
    return _build_email(
        sign_up,
        "waiting",
        _("You are on the waiting list: %(title)s"),
        occasion=f"waiting {sign_up.waitlisted_at:%Y%m%dT%H%M%S} {sign_up.email_count}",
    )


@_in_reader_language
def build_offer(sign_up: SignUp) -> NewEmail:
    """A place for you, until a time."""
    assert sign_up.offer_expires_at  # noqa: S101 - a constraint of the database
    return _build_email(
        sign_up,
        "offered",
        _("A place for you: %(title)s"),
        occasion=f"offered {sign_up.offer_expires_at:%Y%m%dT%H%M%S} {sign_up.email_count}",
        until=format_event_time(sign_up.offer_expires_at, sign_up.zone),
    )


@_in_reader_language
def build_offer_expired(sign_up: SignUp) -> NewEmail:
    """The offer has gone to the next in line."""
    return _build_email(
        sign_up,
        "passed",
        _("Your offer has ended: %(title)s"),
        occasion=f"passed {sign_up.waitlisted_at:%Y%m%dT%H%M%S} {sign_up.email_count}",
    )


@_in_reader_language
def build_recording(sign_up: SignUp) -> NewEmail:
    """The recording is on the event's page; and what did they think of it?"""
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


@_in_reader_language
def build_message(sign_up: SignUp, *, message_id: UUID, subject: str, words: str) -> NewEmail:
    """An admin's own words."""
    # Whatever they typed is text, also where it looks like a place for something.
    subject = subject.replace("%", "%%")
    return _build_email(
        sign_up, "message", subject, occasion=f"message {message_id}", is_by_staff=True, words=words
    )


@_in_reader_language
def build_day_reminder(sign_up: SignUp) -> NewEmail:
    """It is soon."""
    return _build_reminder(sign_up, "day", _("Soon: %(title)s"))


@_in_reader_language
def build_hour_reminder(sign_up: SignUp) -> NewEmail:
    """It is about to begin, and this is the way in."""
    return _build_reminder(sign_up, "hour", _("It begins soon: %(title)s"))


def _build_reminder(sign_up: SignUp, kind: str, subject: str) -> NewEmail:
    return _build_email(sign_up, kind, subject, occasion=_reminder_occasion(kind, sign_up.event))


def list_reminder_keys(sign_up: SignUp, event: Event) -> list[str]:
    """The keys of somebody's reminders of an event's start."""
    return [_build_key(sign_up, _reminder_occasion(kind, event)) for kind in ("day", "hour")]


def _reminder_occasion(kind: str, event: Event) -> str:
    return f"{kind} {event.starts_at:%Y%m%dT%H%M%S}"


def _build_key(sign_up: SignUp, occasion: str) -> str:
    return f"sign-up {sign_up.pk} {occasion}"


@_in_reader_language
def build_change_notice(sign_up: SignUp, *, changes: Sequence[Promise] = ()) -> NewEmail:
    """The event is another than they know. For whoever has a place, the update that replaces the calendar's entry.

    `changes` are words for what differs.
    """
    return _build_email(
        sign_up,
        "changed",
        _("Changed: %(title)s"),
        occasion=f"changed {sign_up.event.sequence}",
        calendar=_attach_request(sign_up) if sign_up.is_going else None,
        changes=", ".join(map(str, changes)),
    )


@_in_reader_language
def build_cancellation_notice(sign_up: SignUp, *, reason: str = "") -> NewEmail:
    """The event will not take place. `reason` is an admin's words for it."""
    return _build_email(
        sign_up,
        "cancelled",
        _("Cancelled: %(title)s"),
        calendar=_attach_cancellation(sign_up, sign_up.event.sequence) if sign_up.is_going else None,
        is_by_staff=True,
        reason=reason,
    )


@_in_reader_language
def build_left_notice(sign_up: SignUp) -> NewEmail:
    """They gave their place back: what takes the entry out of their calendar, and of nobody else's."""
    return _build_email(
        sign_up,
        "left",
        _("You left: %(title)s"),
        calendar=_attach_cancellation(sign_up, sign_up.event.sequence + 1),
    )


def _attach_request(sign_up: SignUp) -> list[NewAttachment]:
    return [_build_attachment("REQUEST", build_request(sign_up))] if sign_up.event.has_calendar else []


def _attach_cancellation(sign_up: SignUp, sequence: int) -> list[NewAttachment]:
    event = sign_up.event
    # What is over stays in its calendar, as what it was.
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
    **more: object,
) -> NewEmail:
    event = sign_up.event
    context = {
        "sign_up": sign_up,
        "event": event,
        "when": format_event_time(event.starts_at, event.zone),
        "yours": ""
        if is_same_clock_time(event.starts_at, event.zone, sign_up.zone)
        else format_event_time(event.starts_at, sign_up.zone),
        "name": break_links(sign_up.name),
        "place": build_absolute_url(sign_up.get_absolute_url()),
        "page": build_absolute_url(event.get_absolute_url()),
        "events": build_absolute_url(reverse("events:list")),
        "site": build_absolute_url("/"),
    }
    text = render_to_string(f"events/email/{kind}.txt", context | more)
    return NewEmail(
        key=_build_key(sign_up, occasion or kind),
        to=sign_up.email,
        subject=subject % {"title": " ".join(event.title.split())},
        text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        attachments=calendar or [],
        unsubscribe_url=build_absolute_url(sign_up.get_unsubscribe_url()),
        is_by_staff=is_by_staff,
    )
