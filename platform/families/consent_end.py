"""Hooks that run when the tutor closes to a teen because no consent is left.

Rooms above register what they have to stop; this module imports none of them.
"""

from collections.abc import Callable

from accounts.models import Person, Role
from families.models import Consent

type ConsentEndHandler = Callable[[Person], None]
_handlers: list[ConsentEndHandler] = []


def register_consent_end_handler(end: ConsentEndHandler) -> None:
    """Call `end` with the teen, in the transaction in which their last consent ends."""
    if end not in _handlers:
        _handlers.append(end)


def run_consent_end_handlers(*, teen: Person) -> None:
    """Run the handlers. Call this after the consents are withdrawn, in the same transaction."""
    for end in _handlers:
        end(teen)


def lock_consent(*, person: Person) -> None:
    """Lock a teen's consents until this transaction ends. Does nothing for adults.

    A question is accepted either before the withdrawal, which then ends its turn, or after it, when it is refused.
    """
    if person.role != Role.TEEN:
        return
    active = Consent.objects.filter(teen=person, withdrawn_at=None)
    list(active.select_for_update(no_key=True).order_by("pk").values_list("pk"))
