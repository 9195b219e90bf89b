"""When the tutor closes to a teen because nobody agrees to it any more, the answer in progress ends.

Rooms above register what they have to end; nothing here knows any of them.
"""

from collections.abc import Callable

from accounts.models import Person, Role
from families.models import Consent

type ConsentEndHandler = Callable[[Person], None]
_handlers: list[ConsentEndHandler] = []


def register_consent_end_handler(end: ConsentEndHandler) -> None:
    """Have `end` called with the teen, in the transaction in which their last consent ends."""
    if end not in _handlers:
        _handlers.append(end)


def run_consent_end_handlers(*, teen: Person) -> None:
    """End what is being answered now. To be called after the consents are withdrawn, in the same transaction."""
    for end in _handlers:
        end(teen)


def lock_consent(*, person: Person) -> None:
    """Keep a teen's consent from being withdrawn before this transaction ends. Does nothing for grown-ups.

    A question is taken either before the withdrawal, which then ends it, or after, and is not taken.
    """
    if person.role != Role.TEEN:
        return
    standing = Consent.objects.filter(teen=person, withdrawn_at=None)
    list(standing.select_for_update(no_key=True).order_by("pk").values_list("pk"))
