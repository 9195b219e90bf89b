"""What is done with sign-ups: make, leave, forget. Keyword-only, one transaction each."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from accounts.models import Person
from events import letters
from events.errors import EventClosed
from events.models import Event, SignUp
from events.selectors import sign_ups_past
from mail.models import State
from mail.selectors import mails_about
from mail.services import mails_erase, mails_queue

# A double click, or a reload of the form, is not a wish for a second mail.
CONFIRM_AGAIN_AFTER = timedelta(minutes=10)
# What the confirmation promises.
FORGET_AFTER = timedelta(days=30)


@transaction.atomic
def sign_up_make(
    *, event: Event, name: str, email: str, person: Person | None = None, now: datetime | None = None
) -> SignUp:
    """Sign an address up for an event and send its invitation, which carries the personal link.

    Signing up again, in whatever letter case, makes no second row and changes nothing in the first: whoever
    types somebody else's address must not rename them. The invitation is sent again, but not within ten
    minutes of the last. Raises EventClosed.
    """
    now = now or timezone.now()
    if not event.is_open_at(now):
        raise EventClosed
    sign_up = _sign_up_locked(event, name.strip(), email.strip(), person)
    if sign_up.confirmed_at is None or now - sign_up.confirmed_at >= CONFIRM_AGAIN_AFTER:
        sign_up.confirmations += 1
        sign_up.confirmed_at = now
        sign_up.save(update_fields=["confirmations", "confirmed_at"])
        mails_queue(drafts=[letters.invited(sign_up)])
    return sign_up


def _sign_up_locked(event: Event, name: str, email: str, person: Person | None) -> SignUp:
    while True:
        new = SignUp(event=event, name=name, email=email, person=person)
        # Waits for whoever is signing the same address up at this moment, and then does nothing.
        SignUp.objects.bulk_create([new], ignore_conflicts=True)
        # The database compares as its constraint does: Python and PostgreSQL fold some letters differently.
        same = Exact(Lower("email"), Lower(Value(email)))
        found = SignUp.objects.select_for_update(of=("self",)).filter(same, event=event).first()
        if found:
            found.event = event
            return found
        # They left between the two statements: begin again.


@transaction.atomic
def sign_up_leave(*, sign_up: SignUp, is_told: bool = True) -> None:
    """Give a place back: the name and the address are deleted. Leaving twice does nothing more.

    What was still to be told is not. One last mail takes the entry out of their calendar, while the event is to come;
    not where `is_told` is false, as for somebody of whom nothing must stay.
    """
    gone, _by_model = SignUp.objects.filter(pk=sign_up.pk).delete()
    if not gone:
        return
    mails_erase(mails=mails_about(f"sign-up {sign_up.pk}").filter(state=State.WAITING))
    if is_told and sign_up.event.is_open:
        mails_queue(drafts=[letters.left(sign_up)])


@transaction.atomic
def sign_ups_forget(*, now: datetime | None = None) -> int:
    """Delete every sign-up whose event ended thirty days ago or earlier. Returns how many there were."""
    deleted, _by_model = sign_ups_past((now or timezone.now()) - FORGET_AFTER).delete()
    return deleted
