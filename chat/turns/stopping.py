"""Why a turn was stopped, for the worker that ends it."""

from django.db.models import Case, Value, When

from chat.models import Ending


def kept_ending(ending: Ending) -> Ending | Case:
    """A worker knows that it was told to stop, and the row why: whoever stopped the turn wrote it there."""
    if ending != Ending.ASKED:
        return ending
    return Case(When(ending=Ending.CONSENT, then=Value(Ending.CONSENT)), default=Value(Ending.ASKED))
