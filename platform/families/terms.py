"""What a parent and a teen agree on, and what holds when two parents agreed differently. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import time

from django.db import models
from django.utils.translation import gettext_lazy as _


class ParentView(models.TextChoices):
    """What a parent may look at, from the most private on."""

    TOPICS = "topics", _("time and topics")
    FLAGGED = "flagged", _("time and topics, and what a help card answered")
    FULL = "full", _("everything")


PARENT_VIEW_ORDER = {ParentView.TOPICS: 0, ParentView.FLAGGED: 1, ParentView.FULL: 2}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """One agreement. Quiet hours are clock times in its own zone; both are given or neither (families.quiet_hours).

    `answers_a_day` is a number of short answers, or None for what the site gives everybody.
    """

    view: ParentView = ParentView.TOPICS
    memory: bool = True
    quiet_from: time | None = None
    quiet_to: time | None = None
    answers_a_day: int | None = None
    # The name of the agreement's zone; empty where nothing is said of it.
    time_zone: str = ""

    @property
    def has_quiet_hours(self) -> bool:
        return self.quiet_from is not None and self.quiet_to is not None and self.quiet_from != self.quiet_to

    def is_only_more_private_than(self, other: "Terms") -> bool:
        """Whether these differ from `other` by less seen by a parent, or less remembered, and by nothing else."""
        mine, theirs = asdict(self), asdict(other)
        changed = {name for name in mine if mine[name] != theirs[name]}
        return bool(changed) and all(
            (name == "view" and PARENT_VIEW_ORDER[self.view] < PARENT_VIEW_ORDER[other.view])
            or (name == "memory" and not self.memory)
            for name in changed
        )


def combine_terms(agreed: Sequence[Terms]) -> Terms:
    """What holds where several parents agreed differently: of each setting the more private or the smaller one.

    Quiet hours are not combined here, as each agreement has a clock of its own: see families.quiet_hours.
    """
    if not agreed:
        return Terms()
    limits = [terms.answers_a_day for terms in agreed if terms.answers_a_day is not None]
    return Terms(
        view=min((terms.view for terms in agreed), key=PARENT_VIEW_ORDER.__getitem__),
        memory=all(terms.memory for terms in agreed),
        answers_a_day=min(limits, default=None),
    )
