"""From when on a parent sees words: a wider view counts from its own agreement on.

What a teen asked while less was agreed stays theirs, unless they say otherwise when they agree.
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
    """What a parent may see now, and from when on. None: whatever is there to be seen."""

    view: ParentView
    topics_since: datetime
    flagged_since: datetime | None
    full_since: datetime | None

    @property
    def text_since(self) -> datetime | None:
        return {ParentView.FLAGGED: self.flagged_since, ParentView.FULL: self.full_since}.get(self.view)


def is_wider(terms: Terms, than: Terms) -> bool:
    return PARENT_VIEW_ORDER[terms.view] > PARENT_VIEW_ORDER[than.view]


def get_wider_view_starts(
    *, before: ParentView, after: ParentView, includes_earlier: bool = False
) -> dict[str, datetime | None]:
    """The fields of a link that a change from one view to another sets. Empty unless `after` is wider."""
    start = None if includes_earlier else timezone.now()
    return {
        name: start
        for view, name in START_FIELDS.items()
        if PARENT_VIEW_ORDER[before] < PARENT_VIEW_ORDER[view] <= PARENT_VIEW_ORDER[after]
    }


def restart_wider_view(*, ended: Link) -> None:
    """Count from now on what the teen's other parents see more of, now that this link no longer narrows it.

    While it stood the teen was told that the more private view holds, and asked with that in mind.
    """
    left = list(list_active_links().filter(teen_id=ended.teen_id))
    if not left:
        return
    after = combine_terms([link.terms for link in left]).view
    before = combine_terms([ended.terms, *(link.terms for link in left)]).view
    if starts := get_wider_view_starts(before=before, after=after):
        Link.objects.filter(pk__in=[link.pk for link in left]).update(**starts)


def get_visible_content(link: Link) -> VisibleContent:
    """What the parent of `link` may see: of several agreements the more private view, from the latest on."""
    links = [link, *list_active_links().filter(teen_id=link.teen_id).exclude(pk=link.pk)]
    return VisibleContent(
        view=combine_terms([one.terms for one in links]).view,
        topics_since=link.made_at,
        flagged_since=max((one.flagged_since for one in links if one.flagged_since), default=None),
        full_since=max((one.full_since for one in links if one.full_since), default=None),
    )
