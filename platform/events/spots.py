"""Who has a place, and who waits for one. Whatever changes that holds the event's row, so that places are exact.

The order of locks is always the event, then a sign-up: nobody waits in a circle.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from events import emails
from events.errors import EventClosed, OfferExpired
from events.models import Event, SignUp, SignUpStatus
from mail.services import queue_emails

MAX_OFFER = timedelta(hours=24)


def lock_event(pk: int) -> Event:
    """The event, held until the transaction ends. People may sign up for it meanwhile, and take no place."""
    return Event.objects.select_for_update(no_key=True).get(pk=pk)


@transaction.atomic
def confirm_sign_up(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Take somebody at their word: they get a place, or wait for one in the order of their confirming.

    Confirming twice does nothing more. Raises EventClosed, and SignUp.DoesNotExist when they have left.
    """
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    held = _lock_sign_up(sign_up, event)
    if held.status != SignUpStatus.UNCONFIRMED:
        return held
    if not event.is_open_at(now):
        raise EventClosed
    held.confirmed_at = now
    return give_spot_or_waitlist(held, now)


@transaction.atomic
def accept_offer(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Take the place that was offered. Taking it twice does nothing more. Raises OfferOver and EventClosed."""
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    held = _lock_sign_up(sign_up, event)
    if held.is_going:
        return held
    if not event.is_open_at(now):
        raise EventClosed
    if held.offer_expires_at is None or held.offer_expires_at <= now:
        raise OfferExpired
    return _give_spot(held, now)


@transaction.atomic
def rejoin_waitlist(*, sign_up: SignUp, now: datetime | None = None) -> SignUp:
    """Line up anew after an offer that passed. Raises EventClosed; does nothing for anybody else."""
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    held = _lock_sign_up(sign_up, event)
    if held.status != SignUpStatus.OFFER_EXPIRED:
        return held
    if not event.is_open_at(now):
        raise EventClosed
    return give_spot_or_waitlist(held, now)


def give_spot_or_waitlist(sign_up: SignUp, now: datetime) -> SignUp:
    """Give a place if one is free that nobody waits for, and tell which it was. The event must be held."""
    event = sign_up.event
    if not is_full(event):
        return _give_spot(sign_up, now)
    sign_up.set_status(SignUpStatus.WAITLISTED, now=now)
    sign_up.save()
    queue_emails(new_emails=[emails.build_waitlisted(sign_up)])
    return sign_up


def offer_free_spots(event: Event, *, now: datetime) -> int:
    """Offer every free place to whoever has waited longest. The event must be held. Returns how many were offered."""
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
    """Until when an offer stands: a day, and no longer than half of the time that is left."""
    return now + min(MAX_OFFER, (event.starts_at - now) / 2)


def expire_offers(*, now: datetime | None = None) -> int:
    """Let offers whose time is over pass to the next in line. Returns how many passed."""
    over = SignUp.objects.filter(status=SignUpStatus.OFFERED, offer_expires_at__lte=now or timezone.now())
    events = over.order_by("event").values_list("event", flat=True).distinct()
    return sum(_expire_offers_of(pk, now) for pk in list(events))


@transaction.atomic
def _expire_offers_of(pk: int, now: datetime | None) -> int:
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
    """How many places nobody has, and nobody was offered. None where there is no end of them."""
    if event.capacity is None:
        return None
    taken = event.sign_ups.filter(status__in=[SignUpStatus.GOING, SignUpStatus.OFFERED]).count()
    return max(0, event.capacity - taken)


def is_full(event: Event) -> bool:
    """Whether whoever comes now has to wait. It costs nothing where there is no end of places."""
    if event.capacity is None:
        return False
    return count_free_spots(event) == 0 or list_waitlist(event).exists()


def list_waitlist(event: Event) -> QuerySet[SignUp]:
    """Who waits for a place, in line."""
    return event.sign_ups.filter(status=SignUpStatus.WAITLISTED).order_by(F("waitlisted_at"), "pk")


def get_waitlist_position(sign_up: SignUp) -> int:
    """How many wait before them, and they themselves."""
    before = SignUp.objects.filter(
        event=sign_up.event_id, status=SignUpStatus.WAITLISTED, waitlisted_at__lt=sign_up.waitlisted_at
    )
    return before.count() + 1


def _give_spot(sign_up: SignUp, now: datetime) -> SignUp:
    sign_up.set_status(SignUpStatus.GOING, now=now)
    sign_up.save()
    queue_emails(new_emails=[emails.build_invitation(sign_up)])
    return sign_up


def _lock_sign_up(sign_up: SignUp, event: Event) -> SignUp:
    held = SignUp.objects.select_for_update(of=("self",)).get(pk=sign_up.pk)
    held.event = event
    return held
