"""What is done with sign-ups: make, leave, come in, forget. Keyword-only, one transaction each."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from accounts.names import clean_name
from events import emails
from events.errors import EventClosed, GuestLimitReached
from events.models import Event, SignUp, SignUpStatus
from events.selectors import find_same_sign_up, list_other_dates, list_others_at_address, list_past_sign_ups
from events.spots import give_spot_or_waitlist, lock_event, offer_free_spots
from events.statistics import count_sign_ups
from kit.email_addresses import canonicalize_email, is_same_email
from mail.models import EmailState
from mail.selectors import list_emails_about, list_verified_addresses, list_waiting_emails
from mail.services import erase_emails, queue_emails

# A double click, or a reload of the form, is not a wish for a second mail.
RESEND_AFTER = timedelta(minutes=10)
# What the mails promise.
RETENTION = timedelta(days=30)
# Whoever did not confirm in two days did not mean to come, or never asked.
CONFIRM_WITHIN = timedelta(days=2)
# A family may share one mailbox.
MAX_PER_ADDRESS = 4


@transaction.atomic
def create_sign_up(
    *,
    event: Event,
    name: str,
    email: str,
    person: Person | None = None,
    guest_of: SignUp | None = None,
    time_zone: str = "",
    now: datetime | None = None,
) -> SignUp:
    """Sign an address up for an event, and ask by mail whether it was its owner: only a yes takes a place.

    A person who is signed in with an address that is known to be theirs is not asked. The same name and address again,
    in whatever letter case, make no second row: what they were told last is told again, but not within ten minutes.
    Another name at the same address is another person, as a couple may share a mailbox: their letter says who signed up
    with it before. Beyond `MAX_PER_ADDRESS` nobody is added, and a letter says so.

    `guest_of` is who brings them, and `time_zone` the clock that they read. Raises EventClosed, GuestsEnough when
    their host has brought as many as the event allows, and ValidationError for what is no name.
    """
    held = lock_event(event.pk)
    now = now or timezone.now()
    if not held.is_open_at(now):
        raise EventClosed
    new = SignUp(
        event=held,
        name=clean_name(name),
        email=canonicalize_email(email),
        person=person,
        guest_of=guest_of,
        time_zone=time_zone,
        created_at=now,
    )
    if len(others := list_others_at_address(new)) >= MAX_PER_ADDRESS and not find_same_sign_up(new).exists():
        queue_emails(new_emails=[emails.build_address_full(others[0], name=new.name, now=now)])
        return others[0]
    sign_up = _get_or_create_locked(new)
    is_new = sign_up.pk == new.pk
    if is_new and guest_of and guest_of.guests.count() > held.max_guests:
        raise GuestLimitReached
    if is_new and person and is_own_address(person, new.email):
        sign_up.email_count, sign_up.last_emailed_at, sign_up.confirmed_at = 1, now, now
        return give_spot_or_waitlist(sign_up, now)
    is_stopped = sign_up.unsubscribed_at and sign_up.status == SignUpStatus.UNCONFIRMED
    if not is_stopped and (sign_up.last_emailed_at is None or now - sign_up.last_emailed_at >= RESEND_AFTER):
        sign_up.email_count += 1
        sign_up.last_emailed_at = now
        sign_up.save(update_fields=["email_count", "last_emailed_at"])
        queue_emails(new_emails=[emails.build_status_email(sign_up)])
    return sign_up


@transaction.atomic
def sign_up_for_dates(
    *, sign_up: SignUp, slugs: Collection[str] | None, now: datetime | None = None
) -> list[SignUp]:
    """Take places at other dates of a series, or wait for them, by the yes that was given to one of them.

    Whoever said yes has shown that the address is theirs, so each date sends its invitation at once. `slugs` are the
    dates' addresses, None for all. A date that is no other of this series, has closed, or that they said yes to before,
    stays as it is. Returns what was taken: nothing for somebody who has not said yes or has left.
    """
    now = now or timezone.now()
    kept = SignUp.objects.select_related("event").filter(pk=sign_up.pk).first()
    if kept is None or kept.status == SignUpStatus.UNCONFIRMED or kept.event.series_id is None:
        return []
    dates = list_other_dates(kept.event, now=now)
    if slugs is not None:
        dates = dates.filter(slug__in=slugs)
    # In one order for all, so that two who take the same dates never wait for each other.
    taken = [_sign_up_for_date(kept, pk, now) for pk in sorted(dates.values_list("pk", flat=True))]
    return [one for one in taken if one]


def _sign_up_for_date(kept: SignUp, event_pk: int, now: datetime) -> SignUp | None:
    held = lock_event(event_pk)
    if not held.is_open_at(now):
        return None
    new = SignUp(
        event=held,
        name=kept.name,
        email=kept.email,
        person=kept.person,
        time_zone=kept.time_zone,
        language=kept.language,
        created_at=now,
    )
    sign_up = _get_or_create_locked(new)
    if sign_up.status != SignUpStatus.UNCONFIRMED:
        return None
    sign_up.last_emailed_at = sign_up.confirmed_at = now
    sign_up.email_count += 1
    return give_spot_or_waitlist(sign_up, now)


def is_own_address(person: Person, email: str) -> bool:
    """Whether an address is known to be somebody's own."""
    return any(is_same_email(email, address) for address in list_verified_addresses(person))


def _get_or_create_locked(new: SignUp) -> SignUp:
    while True:
        # Waits for whoever is signing the same address up at this moment, and then does nothing.
        SignUp.objects.bulk_create([new], ignore_conflicts=True)
        found = find_same_sign_up(new).select_for_update(of=("self",)).first()
        if found:
            found.event = new.event
            return found
        # They left between the two statements: begin again.


@transaction.atomic
def set_unsubscribed(*, token: str, is_stopped: bool = True, now: datetime | None = None) -> None:
    """Stop reminders and other letters to a sign-up, or have them again. The place stays. Twice does nothing more.

    Who waits is still offered a place, and changes and cancellations are told: people would come to a closed door.
    """
    unsubscribed_at = (now or timezone.now()) if is_stopped else None
    SignUp.objects.filter(token=token, unsubscribed_at__isnull=is_stopped).update(
        unsubscribed_at=unsubscribed_at
    )
    if is_stopped and (kept := SignUp.objects.filter(token=token).first()):
        erase_emails(emails=list_waiting_emails(emails.list_reminder_keys(kept, kept.event)))


@transaction.atomic
def leave_event(*, sign_up: SignUp, notify: bool = True, now: datetime | None = None) -> None:
    """Give a place back: the name and the address are deleted. Leaving twice does nothing more.

    What was still to be told is not. One last mail takes the entry out of their calendar, while the event is to come;
    not where `is_told` is false, as for somebody of whom nothing must stay. Whoever waits longest is offered the place.
    """
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    kept = SignUp.objects.select_for_update(of=("self",)).filter(pk=sign_up.pk).first()
    if kept is None:
        return
    kept.delete()
    erase_emails(emails=list_emails_about(f"sign-up {sign_up.pk}").filter(state=EmailState.WAITING))
    if notify and kept.is_going and event.is_open_at(now):
        sign_up.event = event
        queue_emails(new_emails=[emails.build_left_notice(sign_up)])
    offer_free_spots(event, now=now)


@transaction.atomic
def record_attendance(*, sign_up: SignUp, now: datetime | None = None) -> None:
    """Note that somebody came in, the first time that they do."""
    SignUp.objects.filter(pk=sign_up.pk, attended_at=None).update(attended_at=now or timezone.now())


@transaction.atomic
def undo_attendance(*, sign_up: SignUp) -> None:
    """Take back that somebody came: it was noted by mistake."""
    SignUp.objects.filter(pk=sign_up.pk).update(attended_at=None)


@transaction.atomic
def delete_expired_sign_ups(*, now: datetime | None = None) -> int:
    """Delete sign-ups whose event ended thirty days ago or earlier, and those that nobody confirmed in two days.

    How many came to an event is kept, and nothing of who. Returns how many sign-ups there were.
    """
    now = now or timezone.now()
    gone = list_past_sign_ups(now - RETENTION)
    for event in Event.objects.filter(pk__in=gone.values("event"), totals={}):
        event.totals = count_sign_ups(event)
        event.save(update_fields=["totals"])
    past = gone.count()
    gone.delete()
    unheard = SignUp.objects.filter(
        status=SignUpStatus.UNCONFIRMED, last_emailed_at__lte=now - CONFIRM_WITHIN
    )
    never, _by_model = unheard.delete()
    return past + never
