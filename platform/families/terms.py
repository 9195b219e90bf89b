"""The terms of an agreement, and what applies if several parents agreed on different terms. Reads no database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import time

from django.db import models
from django.utils.translation import gettext_lazy as _

from kit.memory_policy import MEMORY_ORDER, MemoryPolicy, choose_smallest_memory


class ParentView(models.TextChoices):
    """What a parent may see, from the most private to the widest."""

    TOPICS = "topics", _("time and topics")
    FLAGGED = "flagged", _("time and topics, and questions answered with a crisis card")
    FULL = "full", _("everything")


PARENT_VIEW_ORDER = {ParentView.TOPICS: 0, ParentView.FLAGGED: 1, ParentView.FULL: 2}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of one agreement.

    Quiet hours are clock times in `time_zone`; either both or neither are set (families.quiet_hours). `answers_per_day`
    is a number of short answers, or None for the site's usual limit. `memory` is the most that the tutor may remember
    of a conversation, and `allows_spanning_notes` lets the teen turn on notes that last from one conversation to the
    next. With `local_only`, questions go only to models on this site's own machines, never to an outside company.
    """

    parent_view: ParentView = ParentView.TOPICS
    memory: MemoryPolicy = MemoryPolicy.FULL
    allows_spanning_notes: bool = False
    local_only: bool = False
    quiet_from: time | None = None
    quiet_to: time | None = None
    answers_per_day: int | None = None
    # An IANA name, or empty to keep the link's zone.
    time_zone: str = ""

    @property
    def has_quiet_hours(self) -> bool:
        return self.quiet_from is not None and self.quiet_to is not None and self.quiet_from != self.quiet_to

    def is_only_more_private_than(self, other: "Terms") -> bool:
        """Return whether these differ from `other` only by a narrower view, less memory or local models."""
        own_terms, other_terms = asdict(self), asdict(other)
        changed = {name for name in own_terms if own_terms[name] != other_terms[name]}
        return bool(changed) and all(
            (
                name == "parent_view"
                and PARENT_VIEW_ORDER[self.parent_view] < PARENT_VIEW_ORDER[other.parent_view]
            )
            or (name == "memory" and MEMORY_ORDER[self.memory] < MEMORY_ORDER[other.memory])
            or (name == "allows_spanning_notes" and not self.allows_spanning_notes)
            or (name == "local_only" and self.local_only)
            for name in changed
        )


def combine_terms(agreed: Sequence[Terms]) -> Terms:
    """Combine several agreements: for each setting, the more private or smaller value applies.

    Quiet hours and their zone are left empty, because each agreement has its own zone; see families.quiet_hours.
    """
    if not agreed:
        # Without an agreement the person decides alone.
        return Terms(allows_spanning_notes=True)
    limits = [terms.answers_per_day for terms in agreed if terms.answers_per_day is not None]
    return Terms(
        parent_view=min((terms.parent_view for terms in agreed), key=PARENT_VIEW_ORDER.__getitem__),
        memory=choose_smallest_memory(*(terms.memory for terms in agreed)),
        allows_spanning_notes=all(terms.allows_spanning_notes for terms in agreed),
        local_only=any(terms.local_only for terms in agreed),
        answers_per_day=min(limits, default=None),
    )
