"""How many signed up, confirmed and came, and the bars that show it."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from events.models import Event, SignUpStatus

MAX_BAR_WIDTH = 320


@dataclass(frozen=True)
class Bar:
    words: str | Promise
    count: int
    width: int


LABELS = {
    "signed_up": _("signed up"),
    "confirmed": _("confirmed"),
    "going": _("have a place"),
    "waitlisted": _("wait for one"),
    "attended": _("attended"),
}


def count_sign_ups(event: Event) -> dict[str, int]:
    """How many there are, by the names of SAID. One query."""
    return event.sign_ups.aggregate(
        signed_up=Count("pk"),
        confirmed=Count("pk", filter=~Q(status=SignUpStatus.UNCONFIRMED)),
        going=Count("pk", filter=Q(status=SignUpStatus.GOING)),
        waitlisted=Count("pk", filter=Q(status__in=[SignUpStatus.WAITLISTED, SignUpStatus.OFFERED])),
        attended=Count("pk", filter=Q(attended_at__isnull=False)),
    )


def build_bars(event: Event) -> list[Bar]:
    """One bar for each number, the longest as wide as the chart; what was counted last, once people are forgotten."""
    numbers = event.totals or count_sign_ups(event)
    longest = max(1, *numbers.values())
    return [
        Bar(words, numbers[name], round(MAX_BAR_WIDTH * numbers[name] / longest))
        for name, words in LABELS.items()
    ]
