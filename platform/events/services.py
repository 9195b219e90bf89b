"""Create, leave, check in and delete sign-ups. Each service takes keywords only and runs in one transaction."""

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

# A double click or a reload does not send a second email.
RESEND_AFTER = timedelta(minutes=10)
# The emails and pages promise this.
RETENTION = timedelta(days=30)
# Unconfirmed sign-ups are deleted after this time.
CONFIRM_WITHIN = timedelta(days=2)
# A family may share an email address.
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
    """Sign up a name and address for an event, and email the address to confirm. Only confirming gives a spot.

    A signed-in person with a verified address needs no confirmation. If the same name and address (ignoring case)
    have signed up before, their last email is sent again, but not within RESEND_AFTER. Another name at the same
    address is another person, and the email names the earlier ones. Beyond MAX_PER_ADDRESS no one is added, an email
    says so, and an earlier sign-up of the address is returned.

    `guest_of` is the host, and `time_zone` the one they see times in. Raises EventClosed, GuestLimitReached if the
    host has invited as many guests as the event allows, and ValidationError for an invalid name.
    """
    locked = lock_event(event.pk)
    now = now or timezone.now()
    if not locked.is_open_at(now):
        raise EventClosed
    new = SignUp(
        event=locked,
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
    if is_new and guest_of and guest_of.guests.count() > locked.max_guests:
        raise GuestLimitReached
    if is_new and person and is_own_address(person, new.email):
        sign_up.email_count, sign_up.last_emailed_at, sign_up.confirmed_at = 1, now, now
        return give_spot_or_waitlist(sign_up, now)
    is_unwanted = sign_up.unsubscribed_at and sign_up.status == SignUpStatus.UNCONFIRMED
    if not is_unwanted and (sign_up.last_emailed_at is None or now - sign_up.last_emailed_at >= RESEND_AFTER):
        sign_up.email_count += 1
        sign_up.last_emailed_at = now
        sign_up.save(update_fields=["email_count", "last_emailed_at"])
        queue_emails(new_emails=[emails.build_status_email(sign_up)])
    return sign_up


@transaction.atomic
def sign_up_for_dates(
    *, sign_up: SignUp, slugs: Collection[str] | None, now: datetime | None = None
) -> list[SignUp]:
    """Sign a confirmed person up for other dates of a series, with a spot or on the waitlist.

    The address is confirmed already, so each date sends its invitation immediately. `slugs` are their slugs, or
    None for all. Skips dates that are not upcoming in this series, and those they have confirmed already. Returns the
    new sign-ups. Empty if the person has not confirmed or has left.
    """
    now = now or timezone.now()
    saved = SignUp.objects.select_related("event").filter(pk=sign_up.pk).first()
    if saved is None or saved.status == SignUpStatus.UNCONFIRMED or saved.event.series_id is None:
        return []
    dates = list_other_dates(saved.event, now=now)
    if slugs is not None:
        dates = dates.filter(slug__in=slugs)
    # In a fixed order, so that two people who choose the same dates cannot deadlock.
    new_sign_ups = [_sign_up_for_date(saved, pk, now) for pk in sorted(dates.values_list("pk", flat=True))]
    return [sign_up for sign_up in new_sign_ups if sign_up]


def _sign_up_for_date(saved: SignUp, event_pk: int, now: datetime) -> SignUp | None:
    locked = lock_event(event_pk)
    if not locked.is_open_at(now):
        return None
    new = SignUp(
        event=locked,
        name=saved.name,
        email=saved.email,
        person=saved.person,
        time_zone=saved.time_zone,
        language=saved.language,
        created_at=now,
    )
    sign_up = _get_or_create_locked(new)
    if sign_up.status != SignUpStatus.UNCONFIRMED:
        return None
    sign_up.last_emailed_at = sign_up.confirmed_at = now
    sign_up.email_count += 1
    return give_spot_or_waitlist(sign_up, now)


def is_own_address(person: Person, email: str) -> bool:
    """Return whether an address is one of a person's verified addresses."""
    return any(is_same_email(email, address) for address in list_verified_addresses(person))


def _get_or_create_locked(new: SignUp) -> SignUp:
    while True:
        # Waits for a concurrent sign-up with the same name and address, and then inserts nothing.
        SignUp.objects.bulk_create([new], ignore_conflicts=True)
        existing = find_same_sign_up(new).select_for_update(of=("self",)).first()
        if existing:
            existing.event = new.event
            return existing
        # They left between the two statements, so try again.


@transaction.atomic
def set_unsubscribed(*, token: str, unsubscribed: bool = True, now: datetime | None = None) -> None:
    """Turn off reminders and messages to a sign-up, or turn them on again. The spot stays. Unknown tokens are ignored.

    Offers, changes and cancellations are still emailed, or people would miss them.
    """
    unsubscribed_at = (now or timezone.now()) if unsubscribed else None
    SignUp.objects.filter(token=token, unsubscribed_at__isnull=unsubscribed).update(
        unsubscribed_at=unsubscribed_at
    )
    if unsubscribed and (saved := SignUp.objects.filter(token=token).first()):
        erase_emails(emails=list_waiting_emails(emails.list_reminder_keys(saved, saved.event)))


@transaction.atomic
def leave_event(*, sign_up: SignUp, notify: bool = True, now: datetime | None = None) -> None:
    """Delete a sign-up, erase its unsent emails, and offer its spot to the waitlist. Does nothing if it is deleted.

    With `notify`, one last email removes an upcoming event from their calendar. Pass False when erasing a person's
    data, of which no email may stay.
    """
    event = lock_event(sign_up.event_id)
    now = now or timezone.now()
    saved = SignUp.objects.select_for_update(of=("self",)).filter(pk=sign_up.pk).first()
    if saved is None:
        return
    saved.delete()
    erase_emails(emails=list_emails_about(f"sign-up {sign_up.pk}").filter(state=EmailState.WAITING))
    if notify and saved.is_going and event.is_open_at(now):
        sign_up.event = event
        queue_emails(new_emails=[emails.build_left_notice(sign_up)])
    offer_free_spots(event, now=now)


@transaction.atomic
def record_attendance(*, sign_up: SignUp, now: datetime | None = None) -> None:
    """Record that a person came. Keeps the first time."""
    SignUp.objects.filter(pk=sign_up.pk, attended_at=None).update(attended_at=now or timezone.now())


@transaction.atomic
def undo_attendance(*, sign_up: SignUp) -> None:
    """Undo a check-in that was a mistake."""
    SignUp.objects.filter(pk=sign_up.pk).update(attended_at=None)


@transaction.atomic
def delete_expired_sign_ups(*, now: datetime | None = None) -> int:
    """Delete sign-ups RETENTION after their event, and unconfirmed ones after CONFIRM_WITHIN. Return how many.

    Each event keeps its counts in `totals`.
    """
    now = now or timezone.now()
    expired = list_past_sign_ups(now - RETENTION)
    for event in Event.objects.filter(pk__in=expired.values("event"), totals={}):
        event.totals = count_sign_ups(event)
        event.save(update_fields=["totals"])
    past = expired.count()
    expired.delete()
    unheard = SignUp.objects.filter(
        status=SignUpStatus.UNCONFIRMED, last_emailed_at__lte=now - CONFIRM_WITHIN
    )
    never, _by_model = unheard.delete()
    return past + never
