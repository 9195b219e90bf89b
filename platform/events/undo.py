"""Taking back that one left. The browser of the person who left keeps what that needs; the site keeps nothing of it."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from django.db import transaction
from django.utils import timezone

from events.errors import EventClosed
from events.models import Event, SignUp, SignUpStatus
from events.selectors import find_same_sign_up
from events.spots import give_spot_or_waitlist, lock_event

# So long the leaving can be taken back.
UNDO_SECONDS = 30 * 60


@dataclass(frozen=True, kw_only=True)
class DeletedSignUp:
    """What a sign-up was, as values that JSON knows. It is signed before it leaves the site."""

    event: int
    name: str
    email: str
    token: str
    language: str
    time_zone: str
    is_confirmed: bool
    person: int | None = None
    guest_of: str = ""
    guests: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, sign_up: SignUp) -> Self:
        """To be read before they leave: leaving parts them from their guests."""
        return cls(
            event=sign_up.event_id,
            name=sign_up.name,
            email=sign_up.email,
            token=sign_up.token,
            language=sign_up.language,
            time_zone=sign_up.time_zone,
            is_confirmed=sign_up.status != SignUpStatus.UNCONFIRMED,
            person=sign_up.person_id,
            guest_of=str(sign_up.guest_of_id or ""),
            guests=[str(pk) for pk in sign_up.guests.values_list("pk", flat=True)],
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@transaction.atomic
def restore_sign_up(*, leaver: DeletedSignUp, event: Event, now: datetime | None = None) -> SignUp:
    """Sign up again whoever left by mistake, with their guests and the address of their own page.

    Their place may have gone meanwhile: then they wait in line. Signing up by hand or doing this twice makes no second
    row. It is a new entry in calendars, as the last mail took the old one out. Raises EventClosed.
    """
    held = lock_event(event.pk)
    now = now or timezone.now()
    if not held.is_open_at(now):
        raise EventClosed
    new = SignUp(
        event=held,
        name=leaver.name,
        email=leaver.email,
        token=leaver.token,
        language=leaver.language,
        time_zone=leaver.time_zone,
        created_at=now,
        email_count=1,
        last_emailed_at=now,
    )
    if again := find_same_sign_up(new).first() or SignUp.objects.filter(token=leaver.token).first():
        return again
    new.person_id = leaver.person
    new.guest_of = held.sign_ups.filter(pk=leaver.guest_of).first() if leaver.guest_of else None
    if leaver.is_confirmed:
        new.confirmed_at = now
        new = give_spot_or_waitlist(new, now)
    else:
        new.save()
    held.sign_ups.filter(pk__in=leaver.guests, guest_of=None).update(guest_of=new)
    return new
