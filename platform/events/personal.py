"""Personal data in events: sign-ups, feedback and calendar feeds."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from events.feeds import delete_feed
from events.models import CalendarFeed, Feedback, SignUp
from events.services import RETENTION, delete_expired_sign_ups, leave_event
from mail.selectors import list_emails_about, list_verified_addresses
from mail.services import erase_emails
from privacy.admin_log import redact_rows
from privacy.registry import DataKind, Retention, Row


def list_sign_ups_about(person: Person) -> QuerySet[SignUp]:
    """List a person's sign-ups: made while signed in, or with one of their verified addresses."""
    is_theirs = Q(person=person)
    for address in list_verified_addresses(person):
        is_theirs |= Q(Exact(Lower("email"), Lower(Value(address))))
    return SignUp.objects.filter(is_theirs).order_by("created_at", "pk")


def export_sign_ups(person: Person) -> Iterator[Row]:
    """Yield a person's sign-ups with their feedback, oldest first."""
    for sign_up in list_sign_ups_about(person).select_related("event", "guest_of", "feedback").iterator():
        yield {
            "event": sign_up.event.text.title,
            "starts_at": sign_up.event.starts_at,
            "name": sign_up.name,
            "email": sign_up.email,
            "status": sign_up.get_status_display(),
            "guest_of": sign_up.guest_of.name if sign_up.guest_of else "",
            "time_zone": sign_up.time_zone,
            "language": sign_up.language,
            "created_at": sign_up.created_at,
            "unsubscribed_at": sign_up.unsubscribed_at,
            "confirmed_at": sign_up.confirmed_at,
            "attended_at": sign_up.attended_at,
            "feedback": _format_feedback(sign_up),
        }


def _format_feedback(sign_up: SignUp) -> str:
    feedback: Feedback | None = getattr(sign_up, "feedback", None)
    return f"{feedback.get_worth_display()} {feedback.comment}".strip() if feedback else ""


def erase_sign_ups(person: Person) -> None:
    """Delete a person's sign-ups and the emails about them, without notifying the person."""
    redact_rows(list_sign_ups_about(person))
    for sign_up in list_sign_ups_about(person).select_related("event"):
        # These emails contain their name, and may have gone to an address that is not on the account.
        erase_emails(emails=list_emails_about(f"sign-up {sign_up.pk}"))
        leave_event(sign_up=sign_up, notify=False)


SIGN_UPS = DataKind(
    name="sign-ups",
    title=_("Event sign-ups"),
    description=_(
        "Your name and email address, so we can send you the link to join; who invited you; your time zone "
        "and language; whether you came, and what you thought of it."
    ),
    retention=Retention(
        text=_(
            "You can cancel your sign-up at any time, and all of it is deleted. If you don’t confirm by "
            "email, it’s deleted after two days. Otherwise it’s deleted %(days)d days after the event."
        ),
        days=RETENTION.days,
        counted_from=_("the end of the event"),
        delete_expired=delete_expired_sign_ups,
        task="events.tasks.delete_expired_sign_ups",
    ),
    erasure_removes=_("Your event sign-ups"),
    is_private=False,
    models=(SignUp, Feedback),
    labels={
        "event": _("event"),
        "starts_at": _("starts"),
        "name": _("name"),
        "email": _("email"),
        "status": _("status"),
        "guest_of": _("guest of"),
        "time_zone": _("time zone"),
        "language": _("language"),
        "created_at": _("signed up"),
        "unsubscribed_at": _("turned off reminders"),
        "confirmed_at": _("confirmed"),
        "attended_at": _("attended"),
        "feedback": _("feedback"),
    },
    export=export_sign_ups,
    erase=erase_sign_ups,
)


def export_feed(person: Person) -> Iterator[Row]:
    """Yield when a person created their feed. The token is not exported."""
    for feed in CalendarFeed.objects.filter(person=person):
        yield {"created_at": feed.created_at, "language": feed.language}


def erase_feed(person: Person) -> None:
    """Delete a person's feed."""
    redact_rows(CalendarFeed.objects.filter(person=person))
    delete_feed(person=person)


FEEDS = DataKind(
    name="calendar-feed",
    title=_("Your events as a calendar"),
    description=_("A private link that your calendar app reads your events from, if you created one."),
    retention=Retention(text=_("It stays until you turn it off.")),
    erasure_removes=_("The link to your calendar"),
    is_private=True,
    models=(CalendarFeed,),
    labels={"created_at": _("created"), "language": _("language")},
    export=export_feed,
    erase=erase_feed,
)
KINDS = (SIGN_UPS, FEEDS)
