"""What a parent and a teen agree on, and what holds when two parents agreed differently. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _


class View(models.TextChoices):
    """What a parent may look at, from the most private on."""

    TOPICS = "topics", _("time and topics")
    FLAGGED = "flagged", _("time and topics, and what a help card answered")
    FULL = "full", _("everything")


ORDER = {View.TOPICS: 0, View.FLAGGED: 1, View.FULL: 2}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """One agreement. Quiet hours are clock times where the teen lives; both are given or neither.

    `answers_a_day` is a number of short answers, or None for what the site gives everybody.
    """

    view: View = View.TOPICS
    memory: bool = True
    quiet_from: time | None = None
    quiet_to: time | None = None
    answers_a_day: int | None = None

    @property
    def has_quiet_hours(self) -> bool:
        return self.quiet_from is not None and self.quiet_to is not None and self.quiet_from != self.quiet_to

    def is_quiet(self, clock: time) -> bool:
        """Whether `clock` lies in the quiet hours. They may span midnight; they end as their last minute begins."""
        if self.quiet_from is None or self.quiet_to is None:
            return False
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= clock < self.quiet_to
        return clock >= self.quiet_from or clock < self.quiet_to

    def only_more_private_than(self, other: "Terms") -> bool:
        """Whether these differ from `other` by less seen by a parent, or less remembered, and by nothing else."""
        mine, theirs = asdict(self), asdict(other)
        changed = {name for name in mine if mine[name] != theirs[name]}
        return bool(changed) and all(
            (name == "view" and ORDER[self.view] < ORDER[other.view])
            or (name == "memory" and not self.memory)
            for name in changed
        )


def combined(agreed: Sequence[Terms]) -> Terms:
    """What holds where several parents agreed differently: of each setting the more private or the smaller one.

    Quiet hours are not combined here, as two spans need not make one: see quiet_until.
    """
    if not agreed:
        return Terms()
    limits = [terms.answers_a_day for terms in agreed if terms.answers_a_day is not None]
    return Terms(
        view=min((terms.view for terms in agreed), key=ORDER.__getitem__),
        memory=all(terms.memory for terms in agreed),
        answers_a_day=min(limits, default=None),
    )


def quiet_until(agreed: Sequence[Terms], *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold at `now` end, on the clock of `zone`; None when none hold.

    Where the clocks skip the time at which they end, they end as the clocks go on.
    """
    until, moment = None, now
    # Spans of several parents may join; a day has room for each of them twice.
    for _round in range(2 * len(agreed)):
        clock = moment.astimezone(zone).time().replace(tzinfo=None)
        ends = [
            _next(terms.quiet_to, moment, zone)
            for terms in agreed
            if terms.quiet_to and terms.is_quiet(clock)
        ]
        if not ends:
            break
        until = moment = max(ends)
    return until


def _next(clock: time, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `after` at which a clock in `zone` has reached `clock`."""
    day = after.astimezone(zone).date()
    for ahead in range(3):
        moment = datetime.combine(day + timedelta(days=ahead), clock, tzinfo=zone).astimezone(UTC)
        if moment > after:
            return moment
    raise AssertionError("A clock shows every time once in two days.")
