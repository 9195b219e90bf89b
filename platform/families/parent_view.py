"""What a parent may see, and since when.

A wider view shows only what the teen asks after agreeing to it, unless the teen includes earlier questions.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from families.models import Link
from families.selectors import list_active_links
from families.terms import PARENT_VIEW_ORDER, ParentView, Terms, combine_terms

START_FIELDS = {ParentView.FLAGGED: "flagged_since", ParentView.FULL: "full_since"}


@dataclass(frozen=True)
class VisibleContent:
    """What a parent may see now, and since when. A `since` of None means from the beginning."""

    parent_view: ParentView
    topics_since: datetime
    flagged_since: datetime | None
    full_since: datetime | None

    @property
    def text_since(self) -> datetime | None:
        """From when on the parent may read turns; None if the view shows no text."""
        return {ParentView.FLAGGED: self.flagged_since, ParentView.FULL: self.full_since}.get(
            self.parent_view
        )


def is_wider(terms: Terms, than: Terms) -> bool:
    """Return whether `terms` show a parent more than `than`."""
    return PARENT_VIEW_ORDER[terms.parent_view] > PARENT_VIEW_ORDER[than.parent_view]


def get_wider_view_starts(
    *, before: ParentView, after: ParentView, includes_earlier: bool = False
) -> dict[str, datetime | None]:
    """Return the link fields to set when the parent view changes. Empty unless `after` is wider."""
    start = None if includes_earlier else timezone.now()
    return {
        name: start
        for parent_view, name in START_FIELDS.items()
        if PARENT_VIEW_ORDER[before] < PARENT_VIEW_ORDER[parent_view] <= PARENT_VIEW_ORDER[after]
    }


def restart_wider_view(*, ended: Link) -> None:
    """Start the wider view of the teen's other parents now that the `ended` link no longer narrows it.

    While it existed, the teen was told that the more private view applies.
    """
    left = list(list_active_links().filter(teen_id=ended.teen_id))
    if not left:
        return
    after = combine_terms([link.terms for link in left]).parent_view
    before = combine_terms([ended.terms, *(link.terms for link in left)]).parent_view
    if starts := get_wider_view_starts(before=before, after=after):
        Link.objects.filter(pk__in=[link.pk for link in left]).update(**starts)


def get_visible_content(link: Link) -> VisibleContent:
    """Return what the link's parent may see: the most private view of all agreements, since the latest start."""
    links = [link, *list_active_links().filter(teen_id=link.teen_id).exclude(pk=link.pk)]
    return VisibleContent(
        parent_view=combine_terms([link.terms for link in links]).parent_view,
        topics_since=link.created_at,
        flagged_since=max((link.flagged_since for link in links if link.flagged_since), default=None),
        full_since=max((link.full_since for link in links if link.full_since), default=None),
    )
