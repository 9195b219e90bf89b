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

from events.itip import cancel_of, content_type, request_of
from events.models import Event, SignUp, Standing
from events.selectors import other_dates, others_at_address
from events.when import same_clock, time_said
from kit.links import break_links
from kit.site import absolute
from mail.selectors import complained
from mail.services import Draft, Enclosure

# What the templates' tags leave behind.
_BLANK_LINES = re.compile(r"\n(\s*\n)+")


def _in_their_language[**More](
    write: Callable[Concatenate[SignUp, More], Draft],
) -> Callable[Concatenate[SignUp, More], Draft]:
    """Write in the language that they signed up in, whoever's page or task it is that has them told."""

    @wraps(write)
    def writing(sign_up: SignUp, /, *args: More.args, **more: More.kwargs) -> Draft:
        with translation.override(sign_up.language):
            return write(sign_up, *args, **more)

    return writing


def standing_of(sign_up: SignUp) -> Draft:
    """What somebody is told who signs up, and again when they do so again."""
    say = {
        Standing.ASKED: asked,
        Standing.PLACED: invited,
        Standing.WAITING: waiting,
        Standing.OFFERED: offered,
        Standing.PASSED: passed,
    }
    return say[Standing(sign_up.standing)](sign_up)


def welcome(people: Sequence[SignUp]) -> list[SignUp]:
    """Without those who called mail from here unwanted.

    And without those who stopped our letters. They still get what they ask for themselves, and word of a change or a
    cancellation: who misses that comes to a closed door.
    """
    unwilling = complained(sign_up.email for sign_up in people)
    return [one for one in people if one.stopped_at is None and one.email.lower() not in unwilling]


@_in_their_language
def asked(sign_up: SignUp) -> Draft:
    """Was it you? Whoever brings them is named."""
    host = break_links(sign_up.guest_of.name) if sign_up.guest_of else ""
    others = [one for one in others_at_address(sign_up) if one.standing != Standing.ASKED]
    subject = _("Come along? %(title)s") if host else _("Confirm your place: %(title)s")
    return _draft(
        sign_up,
        "asked",
        subject,
        occasion=f"asked {sign_up.tellings}",
        host=host,
        by=break_links(str(sign_up.person)) if sign_up.person else "",
        others=", ".join(break_links(one.name) for one in others),
        has_dates=bool(sign_up.event.series_id) and other_dates(sign_up.event).exists(),
    )


@_in_their_language
def enough(sign_up: SignUp, *, name: str, now: datetime) -> Draft:
    """As many as may share an address have signed up with it: nobody is added. It is said once a day."""
    return _draft(
        sign_up,
        "enough",
        _("Nobody was added: %(title)s"),
        occasion=f"enough {now:%Y%m%d}",
        new_name=break_links(name),
    )


@_in_their_language
def invited(sign_up: SignUp) -> Draft:
    """You have a place: the invitation."""
    return _draft(
        sign_up,
        "invited",
        _("Your place: %(title)s"),
        occasion=f"invited {sign_up.tellings}",
        calendar=_request(sign_up),
    )


@_in_their_language
def waiting(sign_up: SignUp) -> Draft:
    """All places are taken: they wait in line."""
    return _draft(
        sign_up,
        "waiting",
        _("You are on the waiting list: %(title)s"),
        occasion=f"waiting {sign_up.queued_at:%Y%m%dT%H%M%S} {sign_up.tellings}",
    )


@_in_their_language
def offered(sign_up: SignUp) -> Draft:
    """A place for you, until a time."""
    assert sign_up.offer_until  # noqa: S101 - a constraint of the database
    return _draft(
        sign_up,
        "offered",
        _("A place for you: %(title)s"),
        occasion=f"offered {sign_up.offer_until:%Y%m%dT%H%M%S} {sign_up.tellings}",
        until=time_said(sign_up.offer_until, sign_up.zone),
    )


@_in_their_language
def passed(sign_up: SignUp) -> Draft:
    """The offer has gone to the next in line."""
    return _draft(
        sign_up,
        "passed",
        _("Your offer has ended: %(title)s"),
        occasion=f"passed {sign_up.queued_at:%Y%m%dT%H%M%S} {sign_up.tellings}",
    )


@_in_their_language
def recording(sign_up: SignUp) -> Draft:
    """The recording is on the event's page; and what did they think of it?"""
    event = sign_up.event
    module = absolute(reverse("courses:module", args=[event.module_slug])) if event.module_slug else ""
    return _draft(
        sign_up,
        "recording",
        _("The recording: %(title)s"),
        feedback=absolute(reverse("events:feedback", args=[sign_up.token])),
        module=module,
    )


@_in_their_language
def message(sign_up: SignUp, *, message_id: UUID, subject: str, words: str) -> Draft:
    """An admin's own words."""
    # Whatever they typed is text, also where it looks like a place for something.
    subject = subject.replace("%", "%%")
    return _draft(
        sign_up, "message", subject, occasion=f"message {message_id}", is_by_staff=True, words=words
    )


@_in_their_language
def day_before(sign_up: SignUp) -> Draft:
    """It is soon."""
    return _reminder(sign_up, "day", _("Soon: %(title)s"))


@_in_their_language
def hour_before(sign_up: SignUp) -> Draft:
    """It is about to begin, and this is the way in."""
    return _reminder(sign_up, "hour", _("It begins soon: %(title)s"))


def _reminder(sign_up: SignUp, kind: str, subject: str) -> Draft:
    return _draft(sign_up, kind, subject, occasion=_start(kind, sign_up.event))


def reminder_keys(sign_up: SignUp, event: Event) -> list[str]:
    """The keys of somebody's reminders of an event's start."""
    return [_key(sign_up, _start(kind, event)) for kind in ("day", "hour")]


def _start(kind: str, event: Event) -> str:
    return f"{kind} {event.starts_at:%Y%m%dT%H%M%S}"


def _key(sign_up: SignUp, occasion: str) -> str:
    return f"sign-up {sign_up.pk} {occasion}"


@_in_their_language
def changed(sign_up: SignUp, *, changes: Sequence[Promise] = ()) -> Draft:
    """The event is another than they know. For whoever has a place, the update that replaces the calendar's entry.

    `changes` are words for what differs.
    """
    return _draft(
        sign_up,
        "changed",
        _("Changed: %(title)s"),
        occasion=f"changed {sign_up.event.sequence}",
        calendar=_request(sign_up) if sign_up.is_placed else None,
        changes=", ".join(map(str, changes)),
    )


@_in_their_language
def cancelled(sign_up: SignUp, *, reason: str = "") -> Draft:
    """The event will not take place. `reason` is an admin's words for it."""
    return _draft(
        sign_up,
        "cancelled",
        _("Cancelled: %(title)s"),
        calendar=_cancel(sign_up, sign_up.event.sequence) if sign_up.is_placed else None,
        is_by_staff=True,
        reason=reason,
    )


@_in_their_language
def left(sign_up: SignUp) -> Draft:
    """They gave their place back: what takes the entry out of their calendar, and of nobody else's."""
    return _draft(
        sign_up,
        "left",
        _("You left: %(title)s"),
        calendar=_cancel(sign_up, sign_up.event.sequence + 1),
    )


def _request(sign_up: SignUp) -> list[Enclosure]:
    return [_calendar("REQUEST", request_of(sign_up))] if sign_up.event.has_calendar else []


def _cancel(sign_up: SignUp, sequence: int) -> list[Enclosure]:
    event = sign_up.event
    # What is over stays in its calendar, as what it was.
    if event.minutes is None or event.is_over:
        return []
    return [_calendar("CANCEL", cancel_of(sign_up, sequence=sequence))]


def _calendar(method: str, content: str) -> Enclosure:
    return Enclosure(
        filename="invite.ics", content_type=content_type(method), content=content, is_alternative=True
    )


def _draft(
    sign_up: SignUp,
    kind: str,
    subject: str,
    *,
    occasion: str = "",
    calendar: list[Enclosure] | None = None,
    is_by_staff: bool = False,
    **more: object,
) -> Draft:
    event = sign_up.event
    context = {
        "sign_up": sign_up,
        "event": event,
        "when": time_said(event.starts_at, event.zone),
        "yours": ""
        if same_clock(event.starts_at, event.zone, sign_up.zone)
        else time_said(event.starts_at, sign_up.zone),
        "name": break_links(sign_up.name),
        "place": absolute(sign_up.get_absolute_url()),
        "page": absolute(event.get_absolute_url()),
        "events": absolute(reverse("events:list")),
        "site": absolute("/"),
    }
    text = render_to_string(f"events/mail/{kind}.txt", context | more)
    return Draft(
        key=_key(sign_up, occasion or kind),
        to=sign_up.email,
        subject=subject % {"title": " ".join(event.title.split())},
        text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        attachments=calendar or [],
        unsubscribe_url=absolute(sign_up.get_stop_url()),
        is_by_staff=is_by_staff,
    )
