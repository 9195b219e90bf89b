"""Read published events, and sign-ups by their token."""

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
# The same rule as Event.ends_at and Event.is_over: an unknown length counts as zero.
_LENGTH = _wrap(Coalesce(F("minutes"), 0) * Value(timedelta(minutes=1)))
ENDS_AT = ExpressionWrapper(F("starts_at") + _LENGTH, output_field=DateTimeField())


def _list_published() -> QuerySet[Event]:
    return Event.objects.filter(is_published=True)


def list_upcoming_events(*, now: datetime | None = None) -> QuerySet[Event]:
    """List published events that are upcoming or live and not cancelled, soonest first."""
    upcoming = _list_published().alias(ends=ENDS_AT).filter(ends__gt=now or timezone.now(), cancelled_at=None)
    return upcoming.defer("captions").order_by("starts_at", "pk")


def list_past_events(*, now: datetime | None = None) -> QuerySet[Event]:
    """List published events that took place, newest first."""
    past = _list_published().alias(ends=ENDS_AT).filter(ends__lte=now or timezone.now(), cancelled_at=None)
    return past.defer("captions").order_by("-starts_at", "-pk")


def find_next_event(*, now: datetime | None = None) -> Event | None:
    """Return the live or soonest upcoming event, or None."""
    return list_upcoming_events(now=now).first()


def list_module_events(module_slug: str, *, now: datetime | None = None) -> QuerySet[Event]:
    """List upcoming events of a course module, soonest first."""
    return list_upcoming_events(now=now).filter(module_slug=module_slug)


def list_other_dates(event: Event, *, now: datetime | None = None) -> QuerySet[Event]:
    """List the other upcoming events of the same series, soonest first."""
    return list_upcoming_events(now=now).filter(series=event.series_id).exclude(pk=event.pk)


def list_series_dates(sign_up: SignUp, *, now: datetime | None = None) -> list[tuple[Event, SignUp | None]]:
    """List the other upcoming dates of a sign-up's series, each with the same person's confirmed sign-up or None."""
    if sign_up.event.series_id is None:
        return []
    dates = list(list_other_dates(sign_up.event, now=now))
    same = _filter_same_address(sign_up), _filter_same_name(sign_up)
    sign_ups = SignUp.objects.filter(*same, event__in=dates).exclude(status=SignUpStatus.UNCONFIRMED)
    status = {other.event_id: other for other in sign_ups}
    return [(date, status.get(date.pk)) for date in dates]


def _filter_same_address(sign_up: SignUp) -> Exact:
    # Lower in PostgreSQL, as the unique constraint does: Python lowers some letters differently.
    return Exact(Lower("email"), Lower(Value(sign_up.email)))


def _filter_same_name(sign_up: SignUp) -> Exact:
    return Exact(Lower("name"), Lower(Value(sign_up.name)))


def find_same_sign_up(sign_up: SignUp) -> QuerySet[SignUp]:
    """Return a queryset of the sign-up with the same name, address and event. It has one row or none."""
    return SignUp.objects.filter(
        _filter_same_address(sign_up), _filter_same_name(sign_up), event=sign_up.event_id
    )


def list_others_at_address(sign_up: SignUp) -> list[SignUp]:
    """List other names that signed up for the same event with the same address, oldest first."""
    same = SignUp.objects.filter(_filter_same_address(sign_up), event=sign_up.event_id)
    return list(same.exclude(_filter_same_name(sign_up)).order_by("created_at", "pk"))


def get_event(slug: str) -> Event:
    """Return a published event. Raises Event.DoesNotExist, also if it is not published."""
    return _list_published().get(slug=slug)


def get_sign_up(token: str) -> SignUp:
    """Return the sign-up of a personal link, with its event and host.

    Raises SignUp.DoesNotExist, also if the event is not published.
    """
    return SignUp.objects.select_related("event", "guest_of").get(token=token, event__is_published=True)


def list_confirmed_sign_ups(event: Event) -> QuerySet[SignUp]:
    """List everyone who confirmed, with a spot or without."""
    return event.sign_ups.exclude(status=SignUpStatus.UNCONFIRMED)


def list_sign_ups_with_hosts(event: Event) -> QuerySet[SignUp]:
    """List all sign-ups by name, with their hosts."""
    return event.sign_ups.select_related("guest_of").order_by("name", "pk")


def list_feedback(event: Event) -> QuerySet[Feedback]:
    """List an event's feedback, newest first. Callers must not show who gave it."""
    return Feedback.objects.filter(sign_up__event=event).order_by("-created_at")


def list_calendar_events(since: datetime) -> QuerySet[Event]:
    """List published events that started at `since` or later and have a known length, including cancelled ones."""
    known = _list_published().filter(starts_at__gte=since, minutes__isnull=False)
    return known.defer("captions").order_by("starts_at", "pk")


def list_own_sign_ups(person: Person) -> QuerySet[SignUp]:
    """List a person's sign-ups by their verified addresses.

    Sign-ups they made for another address while signed in are not included: those belong to that address's owner.
    """
    is_at_address = Q(pk__in=[])
    for address in list_verified_addresses(person):
        is_at_address |= Q(Exact(Lower("email"), Lower(Value(address))))
    return (
        SignUp.objects.select_related("event").defer("event__captions").filter(is_at_address).order_by("pk")
    )


def list_past_sign_ups(before: datetime) -> QuerySet[SignUp]:
    """List sign-ups whose event ended at `before` or earlier, published or not."""
    ended = Event.objects.alias(ends=ENDS_AT).filter(ends__lte=before)
    return SignUp.objects.filter(event__in=ended)
