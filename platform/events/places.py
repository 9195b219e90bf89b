"""Who has a place, and who waits for one. Whatever changes that holds the event's row, so that places are exact.

The order of locks is always the event, then a sign-up: nobody waits in a circle.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from events import letters
from events.errors import EventClosed, OfferOver
from events.models import Event, SignUp, Standing
from mail.services import mails_queue

LONGEST_OFFER = timedelta(hours=24)


def event_hold(pk: int) -> Event:
    """The event, held until the transaction ends. People may sign up for it meanwhile, and take no place."""
    return Event.objects.select_for_update(no_key=True).get(pk=pk)


@transaction.atomic
def sign_up_confirm(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Take somebody at their word: they get a place, or wait for one in the order of their confirming.

    Confirming twice does nothing more. Raises EventClosed, and SignUp.DoesNotExist when they have left.
    """
    event = event_hold(sign_up.event_id)
    now = now or timezone.now()
    held = _held(sign_up, event)
    if held.standing != Standing.ASKED:
        return held
    if not event.is_open_at(now):
        raise EventClosed
    held.confirmed_at = now
    return place_or_queue(held, now)


@transaction.atomic
def offer_take(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Take the place that was offered. Taking it twice does nothing more. Raises OfferOver and EventClosed."""
    event = event_hold(sign_up.event_id)
    now = now or timezone.now()
    held = _held(sign_up, event)
    if held.is_placed:
        return held
    if not event.is_open_at(now):
        raise EventClosed
    if held.offer_until is None or held.offer_until <= now:
        raise OfferOver
    return _place(held, now)


@transaction.atomic
def wait_again(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Line up anew after an offer that passed. Raises EventClosed; does nothing for anybody else."""
    event = event_hold(sign_up.event_id)
    now = now or timezone.now()
    held = _held(sign_up, event)
    if held.standing != Standing.PASSED:
        return held
    if not event.is_open_at(now):
        raise EventClosed
    return place_or_queue(held, now)


def place_or_queue(sign_up: SignUp, now: datetime) -> SignUp:
    """Give a place if one is free that nobody waits for, and tell which it was. The event must be held."""
    event = sign_up.event
    if not is_full(event):
        return _place(sign_up, now)
    sign_up.stand(Standing.WAITING, now=now)
    sign_up.save()
    mails_queue(drafts=[letters.waiting(sign_up)])
    return sign_up


def places_offer(event: Event, *, now: datetime) -> int:
    """Offer every free place to whoever has waited longest. The event must be held. Returns how many were offered."""
    if not event.is_open_at(now) or event.starts_at <= now:
        return 0
    until = offer_end(event, now)
    offered = list(waiting(event)[: free_of(event)])
    for sign_up in offered:
        sign_up.event = event
        sign_up.stand(Standing.OFFERED, now=now)
        sign_up.offer_until = until
    SignUp.objects.bulk_update(offered, ["standing", "placed_at", "offer_until"])
    mails_queue(drafts=[letters.offered(sign_up) for sign_up in offered])
    return len(offered)


def offer_end(event: Event, now: datetime) -> datetime:
    """Until when an offer stands: a day, and no longer than half of the time that is left."""
    return now + min(LONGEST_OFFER, (event.starts_at - now) / 2)


def offers_expire(*, now: datetime | None = None) -> int:
    """Let offers whose time is over pass to the next in line. Returns how many passed."""
    over = SignUp.objects.filter(standing=Standing.OFFERED, offer_until__lte=now or timezone.now())
    events = over.order_by("event").values_list("event", flat=True).distinct()
    return sum(_offers_expire_of(pk, now) for pk in list(events))


@transaction.atomic
def _offers_expire_of(pk: int, now: datetime | None) -> int:
    event = event_hold(pk)
    now = now or timezone.now()
    passed = list(event.sign_ups.filter(standing=Standing.OFFERED, offer_until__lte=now))
    for sign_up in passed:
        sign_up.event = event
        sign_up.stand(Standing.PASSED, now=now)
    SignUp.objects.bulk_update(passed, ["standing", "offer_until"])
    if event.is_open_at(now):
        mails_queue(drafts=[letters.passed(sign_up) for sign_up in passed])
    places_offer(event, now=now)
    return len(passed)


def free_of(event: Event) -> int | None:
    """How many places nobody has, and nobody was offered. None where there is no end of them."""
    if event.capacity is None:
        return None
    taken = event.sign_ups.filter(standing__in=[Standing.PLACED, Standing.OFFERED]).count()
    return max(0, event.capacity - taken)


def is_full(event: Event) -> bool:
    """Whether whoever comes now has to wait. It costs nothing where there is no end of places."""
    if event.capacity is None:
        return False
    return free_of(event) == 0 or waiting(event).exists()


def waiting(event: Event) -> QuerySet[SignUp]:
    """Who waits for a place, in line."""
    return event.sign_ups.filter(standing=Standing.WAITING).order_by(F("queued_at"), "pk")


def place_in_line(sign_up: SignUp) -> int:
    """How many wait before them, and they themselves."""
    before = SignUp.objects.filter(
        event=sign_up.event_id, standing=Standing.WAITING, queued_at__lt=sign_up.queued_at
    )
    return before.count() + 1


def _place(sign_up: SignUp, now: datetime) -> SignUp:
    sign_up.stand(Standing.PLACED, now=now)
    sign_up.save()
    mails_queue(drafts=[letters.invited(sign_up)])
    return sign_up


def _held(sign_up: SignUp, event: Event) -> SignUp:
    held = SignUp.objects.select_for_update(of=("self",)).get(pk=sign_up.pk)
    held.event = event
    return held
