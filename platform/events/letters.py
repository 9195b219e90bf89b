"""What is said by mail to somebody who signed up. Each occasion has a key of its own, so that each is told once."""

import re

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from events.addresses import absolute
from events.itip import cancel_of, content_type, request_of
from events.models import SignUp
from events.when import time_said
from mail.services import Draft, Enclosure

# What the templates' tags leave behind.
_BLANK_LINES = re.compile(r"\n(\s*\n)+")


def invited(sign_up: SignUp) -> Draft:
    """You have a place: the invitation. It may be asked for again, and each asking is a mail."""
    return _draft(
        sign_up,
        "invited",
        _("Your place: %(title)s"),
        occasion=f"invited {sign_up.confirmations}",
        calendar=_request(sign_up),
    )


def changed(sign_up: SignUp) -> Draft:
    """The event is another than the calendar says: the update that replaces the entry."""
    return _draft(
        sign_up,
        "changed",
        _("Changed: %(title)s"),
        occasion=f"changed {sign_up.event.sequence}",
        calendar=_request(sign_up),
    )


def cancelled(sign_up: SignUp, *, reason: str = "") -> Draft:
    """The event will not take place. `reason` is an admin's words for it."""
    return _draft(
        sign_up,
        "cancelled",
        _("Cancelled: %(title)s"),
        calendar=_cancel(sign_up, sign_up.event.sequence),
        reason=reason,
    )


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
    **more: object,
) -> Draft:
    event = sign_up.event
    context = {
        "sign_up": sign_up,
        "event": event,
        "when": time_said(event.starts_at, event.zone),
        "place": absolute(sign_up.get_absolute_url()),
        "page": absolute(event.get_absolute_url()),
        "events": absolute(reverse("events:list")),
        "site": absolute("/"),
    }
    text = render_to_string(f"events/mail/{kind}.txt", context | more)
    return Draft(
        key=f"sign-up {sign_up.pk} {occasion or kind}",
        to=sign_up.email,
        subject=subject % {"title": " ".join(event.title.split())},
        text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        attachments=calendar or [],
        unsubscribe_url=absolute(sign_up.get_stop_url()),
    )
