"""Spots and the waitlist. Every change to them locks the event's row, so that no spot is given twice.

Lock order: the event, then sign-ups, so that transactions cannot deadlock.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from events import emails
from events.errors import EventClosed, OfferNotUsable
from events.models import Event, SignUp, SignUpStatus
from mail.services import queue_emails

MAX_OFFER = timedelta(hours=24)


def lock_event(pk: int) -> Event:
    """Return an event, locked until the transaction ends. The lock still allows inserting sign-ups."""
    return Event.objects.select_for_update(no_key=True).get(pk=pk)


@transaction.atomic
def confirm_sign_up(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Confirm a sign-up: give it a spot, or put it on the waitlist. Confirming again changes nothing.

    Raises EventClosed, or SignUp.DoesNotExist if they have left.
    """
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    locked = _lock_sign_up(sign_up, event)
    if locked.status != SignUpStatus.UNCONFIRMED:
        return locked
    if not event.is_open_at(now):
        raise EventClosed
    locked.confirmed_at = now
    return give_spot_or_waitlist(locked, now)


@transaction.atomic
def accept_offer(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Accept an offered spot. Accepting again changes nothing.

    Raises OfferNotUsable, EventClosed, or SignUp.DoesNotExist if they have left.
    """
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    locked = _lock_sign_up(sign_up, event)
    if locked.is_going:
        return locked
    if not event.is_open_at(now):
        raise EventClosed
    if locked.offer_expires_at is None or locked.offer_expires_at <= now:
        raise OfferNotUsable
    return _give_spot(locked, now)


@transaction.atomic
def rejoin_waitlist(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Put a sign-up whose offer expired back on the waitlist, at the end. Does nothing in any other status.

    Raises EventClosed, or SignUp.DoesNotExist if they have left.
    """
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    locked = _lock_sign_up(sign_up, event)
    if locked.status != SignUpStatus.OFFER_EXPIRED:
        return locked
    if not event.is_open_at(now):
        raise EventClosed
    return give_spot_or_waitlist(locked, now)


def give_spot_or_waitlist(sign_up: SignUp, now: datetime) -> SignUp:
    """Give a spot if one is free, or else a place on the waitlist. Save and email which. The event must be locked."""
    event = sign_up.event
    if not is_full(event):
        return _give_spot(sign_up, now)
    sign_up.set_status(SignUpStatus.WAITLISTED, now=now)
    sign_up.save()
    queue_emails(new_emails=[emails.build_waitlisted(sign_up)])
    return sign_up


def offer_free_spots(event: Event, *, now: datetime) -> int:
    """Offer each free spot to the longest waiting. Return how many were offered. The event must be locked."""
    if not event.is_open_at(now) or event.starts_at <= now:
        return 0
    until = compute_offer_end(event, now)
    offered = list(list_waitlist(event)[: count_free_spots(event)])
    for sign_up in offered:
        sign_up.event = event
        sign_up.set_status(SignUpStatus.OFFERED, now=now)
        sign_up.offer_expires_at = until
    SignUp.objects.bulk_update(offered, ["status", "spot_given_at", "offer_expires_at"])
    queue_emails(new_emails=[emails.build_offer(sign_up) for sign_up in offered])
    return len(offered)


def compute_offer_end(event: Event, now: datetime) -> datetime:
    """Return when an offer expires: after a day, or after half of the time until the start if that is sooner."""
    return now + min(MAX_OFFER, (event.starts_at - now) / 2)


def expire_offers(*, now: datetime | None = None) -> int:
    """Expire offers and offer the spots to the next people. Return how many expired."""
    over = SignUp.objects.filter(status=SignUpStatus.OFFERED, offer_expires_at__lte=now or timezone.now())
    events = over.order_by("event").values_list("event", flat=True).distinct()
    return sum(_expire_event_offers(pk, now) for pk in list(events))


@transaction.atomic
def _expire_event_offers(pk: int, now: datetime | None) -> int:
    event = lock_event(pk)
    now = now or timezone.now()
    passed = list(event.sign_ups.filter(status=SignUpStatus.OFFERED, offer_expires_at__lte=now))
    for sign_up in passed:
        sign_up.event = event
        sign_up.set_status(SignUpStatus.OFFER_EXPIRED, now=now)
    SignUp.objects.bulk_update(passed, ["status", "offer_expires_at"])
    if event.is_open_at(now):
        queue_emails(new_emails=[emails.build_offer_expired(sign_up) for sign_up in passed])
    offer_free_spots(event, now=now)
    return len(passed)


def count_free_spots(event: Event) -> int | None:
    """Return how many spots are neither taken nor offered. None if the event has no limit."""
    if event.capacity is None:
        return None
    taken = event.sign_ups.filter(status__in=[SignUpStatus.GOING, SignUpStatus.OFFERED]).count()
    return max(0, event.capacity - taken)


def is_full(event: Event) -> bool:
    """Return whether a new sign-up goes on the waitlist. Takes no query if the event has no limit."""
    if event.capacity is None:
        return False
    return count_free_spots(event) == 0 or list_waitlist(event).exists()


def list_waitlist(event: Event) -> QuerySet[SignUp]:
    """List the sign-ups on the waitlist, in order."""
    return event.sign_ups.filter(status=SignUpStatus.WAITLISTED).order_by(F("waitlisted_at"), "pk")


def get_waitlist_position(sign_up: SignUp) -> int:
    """Return a sign-up's position on the waitlist, starting at 1."""
    before = SignUp.objects.filter(
        event=sign_up.event_id, status=SignUpStatus.WAITLISTED, waitlisted_at__lt=sign_up.waitlisted_at
    )
    return before.count() + 1


def _give_spot(sign_up: SignUp, now: datetime) -> SignUp:
    sign_up.set_status(SignUpStatus.GOING, now=now)
    sign_up.save()
    queue_emails(new_emails=[emails.build_spot_confirmation(sign_up)])
    return sign_up


def _lock_sign_up(sign_up: SignUp, event: Event) -> SignUp:
    locked = SignUp.objects.select_for_update(of=("self",)).get(pk=sign_up.pk)
    locked.event = event
    return locked
