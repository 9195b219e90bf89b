"""What this room keeps about a person: the places that they took."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from events.feeds import feed_end
from events.models import CalendarFeed, Feedback, SignUp
from events.services import FORGET_AFTER, sign_up_leave, sign_ups_forget
from mail.selectors import addresses_of, mails_about
from mail.services import mails_erase
from privacy.admin_log import redact_rows
from privacy.registry import DataKind, Retention, Row


def sign_ups_of(person: Person) -> QuerySet[SignUp]:
    """Their places: those that they took while signed in, and those of an address that is known to be theirs."""
    theirs = Q(person=person)
    for address in addresses_of(person):
        theirs |= Q(Exact(Lower("email"), Lower(Value(address))))
    return SignUp.objects.filter(theirs).order_by("created_at", "pk")


def sign_ups_export(person: Person) -> Iterator[Row]:
    for sign_up in sign_ups_of(person).select_related("event", "guest_of", "feedback").iterator():
        yield {
            "event": sign_up.event.title,
            "starts_at": sign_up.event.starts_at,
            "name": sign_up.name,
            "email": sign_up.email,
            "standing": sign_up.get_standing_display(),
            "guest_of": sign_up.guest_of.name if sign_up.guest_of else "",
            "time_zone": sign_up.time_zone,
            "language": sign_up.language,
            "created_at": sign_up.created_at,
            "stopped_at": sign_up.stopped_at,
            "confirmed_at": sign_up.confirmed_at,
            "came_at": sign_up.came_at,
            "feedback": _feedback_said(sign_up),
        }


def _feedback_said(sign_up: SignUp) -> str:
    given: Feedback | None = getattr(sign_up, "feedback", None)
    return f"{given.get_worth_display()} {given.words}".strip() if given else ""


def sign_ups_erase(person: Person) -> None:
    redact_rows(sign_ups_of(person))
    for sign_up in sign_ups_of(person).select_related("event"):
        # Their mails name them, and may have gone to an address that the account does not know.
        mails_erase(mails=mails_about(f"sign-up {sign_up.pk}"))
        sign_up_leave(sign_up=sign_up, is_told=False)


SIGN_UPS = DataKind(
    name="sign-ups",
    title=_("Signing up for an event"),
    description=_(
        "Your name and email address, to send you the way in; who brought you; the clock and the "
        "language you read by; whether you came, and what you thought of it."
    ),
    retention=Retention(
        text=_(
            "You can leave at any time, and then all of it is deleted. Without your yes to our mail it is deleted "
            "after two days. Otherwise your sign-ups are deleted %(days)d days after the event."
        ),
        days=FORGET_AFTER.days,
        counted_from=_("the end of the event"),
        delete_expired=sign_ups_forget,
        task="events.tasks.sign_ups_forget",
    ),
    erasure_removes=_("Your places at events"),
    is_private=False,
    models=(SignUp, Feedback),
    labels={
        "event": _("event"),
        "starts_at": _("starts"),
        "name": _("name"),
        "email": _("email"),
        "standing": _("standing"),
        "guest_of": _("guest of"),
        "time_zone": _("time zone"),
        "language": _("language"),
        "created_at": _("signed up"),
        "stopped_at": _("stopped reminders"),
        "confirmed_at": _("confirmed"),
        "came_at": _("came"),
        "feedback": _("feedback"),
    },
    export=sign_ups_export,
    erase=sign_ups_erase,
)


def feed_export(person: Person) -> Iterator[Row]:
    for feed in CalendarFeed.objects.filter(person=person):
        yield {"made_at": feed.made_at, "language": feed.language}


def feed_erase(person: Person) -> None:
    redact_rows(CalendarFeed.objects.filter(person=person))
    feed_end(person=person)


FEEDS = DataKind(
    name="calendar-feed",
    title=_("Your events as a calendar"),
    description=_("An address that your calendar program reads your events from, if you made one."),
    retention=Retention(text=_("It stays until you end it.")),
    erasure_removes=_("The address of your calendar"),
    is_private=True,
    models=(CalendarFeed,),
    labels={"made_at": _("made"), "language": _("language")},
    export=feed_export,
    erase=feed_erase,
)
KINDS = (SIGN_UPS, FEEDS)
