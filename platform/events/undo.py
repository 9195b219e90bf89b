"""Undo leaving an event. The data for it is in a signed cookie in the person's browser, not on the site."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from django.db import transaction
from django.utils import timezone

from events.errors import EventClosed
from events.models import Event, SignUp, SignUpStatus
from events.selectors import find_same_sign_up
from events.spots import give_spot_or_waitlist, lock_event

# How long leaving can be undone.
UNDO_SECONDS = 30 * 60


@dataclass(frozen=True, kw_only=True)
class DeletedSignUp:
    """A deleted sign-up as JSON values. The cookie that holds it is signed."""

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
    def from_sign_up(cls, sign_up: SignUp) -> Self:
        """Copy a sign-up. Call it before deletion, which detaches the guests."""
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
def restore_sign_up(*, deleted: DeletedSignUp, event: Event, now: datetime | None = None) -> SignUp:
    """Sign a person up again after leaving by mistake, with their guests and the same personal link.

    If their spot is gone, they go on the waitlist. If they have signed up again meanwhile, that sign-up is returned.
    The calendar entry is a new one, because the old one was cancelled by email. Raises EventClosed.
    """
    locked = lock_event(event.pk)
    now = now or timezone.now()
    if not locked.is_open_at(now):
        raise EventClosed
    new = SignUp(
        event=locked,
        name=deleted.name,
        email=deleted.email,
        token=deleted.token,
        language=deleted.language,
        time_zone=deleted.time_zone,
        created_at=now,
        email_count=1,
        last_emailed_at=now,
    )
    if again := find_same_sign_up(new).first() or SignUp.objects.filter(token=deleted.token).first():
        return again
    new.person_id = deleted.person
    new.guest_of = locked.sign_ups.filter(pk=deleted.guest_of).first() if deleted.guest_of else None
    if deleted.is_confirmed:
        new.confirmed_at = now
        new = give_spot_or_waitlist(new, now)
    else:
        new.save()
    locked.sign_ups.filter(pk__in=deleted.guests, guest_of=None).update(guest_of=new)
    return new
