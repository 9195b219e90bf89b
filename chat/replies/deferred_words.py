"""What people are told while the model is down, and while their question waits until it is back."""

from datetime import timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.models import Person
from chat.deferral_models import ModelOutage, WaitsFor
from chat.models import Turn

# From then on the time of day alone would mislead.
NEEDS_A_DATE = timedelta(hours=18)


def outage_words(outage: ModelOutage | None, person: Person) -> str:
    """That the model is down, since when on the person's clock, and what can be done; "" where it is not."""
    if outage is None:
        return ""
    began = localtime(outage.began_at, person.zone)
    at = date_format(began, "TIME_FORMAT")
    if timezone.now() - began > NEEDS_A_DATE:
        at = f"{date_format(began, 'MONTH_DAY_FORMAT')}, {at}"
    return _(
        "Since %(at)s the tutor’s model has given no answers. You can still ask: your question is kept, and answered "
        "when the model is back."
    ) % {"at": at}


def deferred_words(turn: Turn) -> str:
    """What the question waits for."""
    return {
        WaitsFor.FAMILY: _(
            "Your question is kept. It is answered once your family’s pause or quiet hours are over."
        ),
        WaitsFor.PAUSE: _("Your question is kept. It is answered after you have gone on from the help card."),
        WaitsFor.BUDGET: _("Your question is kept. It is answered once there is more to use again."),
        WaitsFor.SITE: _("Your question is kept. It is answered once the tutor is open again on this site."),
    }.get(
        WaitsFor(turn.waits_for),
        _("Your question is kept. It is answered when the model is back, even if you close this page."),
    )
