"""What may be seen of events: what is published, and one's own place by its token."""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from accounts.models import Person
from events.models import Event, Feedback, SignUp, SignUpStatus
from mail.selectors import list_verified_addresses

_wrap = partial(ExpressionWrapper, output_field=DurationField())
# As Event.ends_at and Event.is_over tell it: a length that is not known counts as none.
_LENGTH = _wrap(Coalesce(F("minutes"), 0) * Value(timedelta(minutes=1)))
ENDS_AT = ExpressionWrapper(F("starts_at") + _LENGTH, output_field=DateTimeField())


def _published() -> QuerySet[Event]:
    return Event.objects.filter(is_published=True)


def list_upcoming_events(*, now: datetime | None = None) -> QuerySet[Event]:
    """Published events that have not ended and were not cancelled, soonest first: also one that is going on."""
    coming = _published().alias(ends=ENDS_AT).filter(ends__gt=now or timezone.now(), cancelled_at=None)
    return coming.defer("captions").order_by("starts_at", "pk")


def list_past_events(*, now: datetime | None = None) -> QuerySet[Event]:
    """Published events that took place, newest first."""
    been = _published().alias(ends=ENDS_AT).filter(ends__lte=now or timezone.now(), cancelled_at=None)
    return been.defer("captions").order_by("-starts_at", "-pk")


def find_next_event(*, now: datetime | None = None) -> Event | None:
    """The soonest upcoming event, or the one that is going on."""
    return list_upcoming_events(now=now).first()


def list_module_events(module_slug: str, *, now: datetime | None = None) -> QuerySet[Event]:
    """Upcoming events that belong to a course module, soonest first."""
    return list_upcoming_events(now=now).filter(module_slug=module_slug)


def list_other_dates(event: Event, *, now: datetime | None = None) -> QuerySet[Event]:
    """Upcoming events of the same series, soonest first."""
    return list_upcoming_events(now=now).filter(series=event.series_id).exclude(pk=event.pk)


def list_series_dates(sign_up: SignUp, *, now: datetime | None = None) -> list[tuple[Event, SignUp | None]]:
    """The other upcoming dates of a place's series, and how the same person stands at each where they said yes."""
    if sign_up.event.series_id is None:
        return []
    dates = list(list_other_dates(sign_up.event, now=now))
    same = _same_address(sign_up), _same_name(sign_up)
    places = SignUp.objects.filter(*same, event__in=dates).exclude(status=SignUpStatus.UNCONFIRMED)
    status = {place.event_id: place for place in places}
    return [(date, status.get(date.pk)) for date in dates]


def _same_address(sign_up: SignUp) -> Exact:
    # The database compares as its constraint does: Python and PostgreSQL fold some letters differently.
    return Exact(Lower("email"), Lower(Value(sign_up.email)))


def _same_name(sign_up: SignUp) -> Exact:
    return Exact(Lower("name"), Lower(Value(sign_up.name)))


def find_same_sign_up(sign_up: SignUp) -> QuerySet[SignUp]:
    """The same name and address at the same event: one row, or none yet."""
    return SignUp.objects.filter(_same_address(sign_up), _same_name(sign_up), event=sign_up.event_id)


def list_others_at_address(sign_up: SignUp) -> list[SignUp]:
    """Who else signed up for the same event with the same address, in their order."""
    same = SignUp.objects.filter(_same_address(sign_up), event=sign_up.event_id)
    return list(same.exclude(_same_name(sign_up)).order_by("created_at", "pk"))


def get_event(slug: str) -> Event:
    """A published event. Raises Event.DoesNotExist, for an unpublished one too."""
    return _published().get(slug=slug)


def get_sign_up(token: str) -> SignUp:
    """The sign-up that a personal link names, with its event.

    Raises SignUp.DoesNotExist, also while the event is not published.
    """
    return SignUp.objects.select_related("event", "guest_of").get(token=token, event__is_published=True)


def list_confirmed_sign_ups(event: Event) -> QuerySet[SignUp]:
    """Everybody who confirmed that they want to come, with a place or waiting for one."""
    return event.sign_ups.exclude(status=SignUpStatus.UNCONFIRMED)


def list_sign_ups_with_hosts(event: Event) -> QuerySet[SignUp]:
    """Everybody who signed up, by name, with whoever brings them."""
    return event.sign_ups.select_related("guest_of").order_by("name", "pk")


def list_feedback(event: Event) -> QuerySet[Feedback]:
    """What people thought, newest first. Who said what is nobody's business."""
    return Feedback.objects.filter(sign_up__event=event).order_by("-created_at")


def list_calendar_events(since: datetime) -> QuerySet[Event]:
    """Published events that began at `since` or later and have a known end, also those that were called off."""
    known = _published().filter(starts_at__gte=since, minutes__isnull=False)
    return known.defer("captions").order_by("starts_at", "pk")


def list_own_sign_ups(person: Person) -> QuerySet[SignUp]:
    """Their places, by addresses that are known to be theirs.

    Not those that they took for another address while signed in: the way to such a place goes by its own mail.
    """
    theirs = Q(pk__in=[])
    for address in list_verified_addresses(person):
        theirs |= Q(Exact(Lower("email"), Lower(Value(address))))
    return SignUp.objects.select_related("event").defer("event__captions").filter(theirs).order_by("pk")


def list_past_sign_ups(before: datetime) -> QuerySet[SignUp]:
    """Sign-ups whose event ended at `before` or earlier, published or not."""
    ended = Event.objects.alias(ends=ENDS_AT).filter(ends__lte=before)
    return SignUp.objects.filter(event__in=ended)
