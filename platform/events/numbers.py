"""How many signed up, confirmed and came, and the bars that show it."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from events.models import Event, Standing

WIDEST = 320


@dataclass(frozen=True)
class Bar:
    words: str | Promise
    count: int
    width: int


SAID = {
    "signed_up": _("signed up"),
    "confirmed": _("confirmed"),
    "placed": _("have a place"),
    "waiting": _("wait for one"),
    "came": _("came"),
}


def counted(event: Event) -> dict[str, int]:
    """How many there are, by the names of SAID. One query."""
    return event.sign_ups.aggregate(
        signed_up=Count("pk"),
        confirmed=Count("pk", filter=~Q(standing=Standing.ASKED)),
        placed=Count("pk", filter=Q(standing=Standing.PLACED)),
        waiting=Count("pk", filter=Q(standing__in=[Standing.WAITING, Standing.OFFERED])),
        came=Count("pk", filter=Q(came_at__isnull=False)),
    )


def numbers_of(event: Event) -> list[Bar]:
    """One bar for each number, the longest as wide as the chart; what was counted last, once people are forgotten."""
    numbers = event.totals or counted(event)
    longest = max(1, *numbers.values())
    return [
        Bar(words, numbers[name], round(WIDEST * numbers[name] / longest)) for name, words in SAID.items()
    ]
