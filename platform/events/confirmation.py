"""The mail that confirms a sign-up."""

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from events.addresses import absolute
from events.calendar import CONTENT_TYPE, calendar_file, calendar_name
from events.models import Event, SignUp
from events.when import time_said
from mail.services import Enclosure, mail_queue


def confirmation_queue(sign_up: SignUp) -> None:
    """Queue the confirmation, in the caller's transaction. Its key counts, so that each may go out once."""
    event = sign_up.event
    mail_queue(
        key=f"sign-up {sign_up.pk} {sign_up.confirmations}",
        to=sign_up.email,
        subject=_("Your place: %(title)s") % {"title": " ".join(event.title.split())},
        text=_text(sign_up),
        attachments=_enclosures(event),
    )


def _text(sign_up: SignUp) -> str:
    event = sign_up.event
    context = {
        "sign_up": sign_up,
        "event": event,
        "when": time_said(event.starts_at, event.zone),
        "place": absolute(sign_up.get_absolute_url()),
        "page": absolute(event.get_absolute_url()),
        "site": absolute("/"),
    }
    return render_to_string("events/mail/confirmation.txt", context).strip() + "\n"


def _enclosures(event: Event) -> list[Enclosure]:
    if not event.has_calendar:
        return []
    return [Enclosure(filename=calendar_name(event), content_type=CONTENT_TYPE, content=calendar_file(event))]
