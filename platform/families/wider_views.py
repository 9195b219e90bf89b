"""From when on a parent sees words: a wider view counts from its own agreement on.

What a teen asked while less was agreed stays theirs, unless they say otherwise when they agree.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from families.models import Link
from families.selectors import standing_links
from families.terms import ORDER, Terms, View, combined

SINCE_FIELDS = {View.FLAGGED: "flagged_since", View.FULL: "full_since"}


@dataclass(frozen=True)
class Sight:
    """What a parent may see now, and from when on. None: whatever is there to be seen."""

    view: View
    topics_since: datetime
    flagged_since: datetime | None
    full_since: datetime | None

    @property
    def words_since(self) -> datetime | None:
        return {View.FLAGGED: self.flagged_since, View.FULL: self.full_since}.get(self.view)


def is_wider(terms: Terms, than: Terms) -> bool:
    return ORDER[terms.view] > ORDER[than.view]


def starts_of_wider_view(
    *, before: View, after: View, opens_earlier: bool = False
) -> dict[str, datetime | None]:
    """The fields of a link that a change from one view to another sets. Empty unless `after` is wider."""
    start = None if opens_earlier else timezone.now()
    return {name: start for view, name in SINCE_FIELDS.items() if ORDER[before] < ORDER[view] <= ORDER[after]}


def start_wider_view_after(*, ended: Link) -> None:
    """Count from now on what the teen's other parents see more of, now that this link no longer narrows it.

    While it stood the teen was told that the more private view holds, and asked with that in mind.
    """
    left = list(standing_links().filter(teen_id=ended.teen_id))
    if not left:
        return
    after = combined([link.terms for link in left]).view
    before = combined([ended.terms, *(link.terms for link in left)]).view
    if starts := starts_of_wider_view(before=before, after=after):
        Link.objects.filter(pk__in=[link.pk for link in left]).update(**starts)


def sight_of(link: Link) -> Sight:
    """What the parent of `link` may see: of several agreements the more private view, from the latest on."""
    links = [link, *standing_links().filter(teen_id=link.teen_id).exclude(pk=link.pk)]
    return Sight(
        view=combined([one.terms for one in links]).view,
        topics_since=link.made_at,
        flagged_since=max((one.flagged_since for one in links if one.flagged_since), default=None),
        full_since=max((one.full_since for one in links if one.full_since), default=None),
    )
