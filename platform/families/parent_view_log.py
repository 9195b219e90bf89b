"""The log of parent views. A parent sees nothing without an entry."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.models import Link, ParentViewLog
from families.parent_view import VisibleContent, get_visible_content
from families.selectors import list_active_links
from privacy.registry import DataKind, Retention, Row, erased_by_cascade

# Pages opened within this time of the last one belong to the same entry; the teen's page says so.
SAME_ENTRY_WITHIN = timedelta(minutes=10)
# A longer entry is split, so that its two times still say when the parent looked.
LONGEST_ENTRY = timedelta(hours=1)


@transaction.atomic
def log_parent_view(*, link: Link) -> VisibleContent:
    """Log that the link's parent opens the parent view now, and return what they may see.

    Pages opened within SAME_ENTRY_WITHIN of the last one, with the same parent view, extend that entry, up to
    LONGEST_ENTRY.

    Raises Link.DoesNotExist if the link has ended.
    """
    # Lock the row: if two pages are opened at the same time, the second extends the entry of the first.
    link = list_active_links().select_for_update(of=("self",), no_key=True).get(pk=link.pk)
    visible, now = get_visible_content(link), timezone.now()
    latest = ParentViewLog.objects.filter(
        link=link,
        parent_view=visible.parent_view,
        first_opened_at__gt=now - LONGEST_ENTRY,
        last_opened_at__gt=now - SAME_ENTRY_WITHIN,
    )
    if not latest.update(last_opened_at=now):
        ParentViewLog.objects.create(
            link=link, parent_view=visible.parent_view, first_opened_at=now, last_opened_at=now
        )
    return visible


def export_parent_view_entries(person: Person) -> Iterator[Row]:
    entries = ParentViewLog.objects.filter(Q(link__teen=person) | Q(link__parent=person)).select_related(
        "link__parent"
    )
    for entry in entries.order_by("first_opened_at").iterator():
        yield {
            "first_opened_at": entry.first_opened_at,
            "last_opened_at": entry.last_opened_at,
            "who": str(entry.link.parent),
            "parent_view": entry.get_parent_view_display(),
        }


PARENT_VIEWS = DataKind(
    name="parent-views",
    title=_("Parent views"),
    description=_("Each time a parent looked at what they may see, so the teen knows."),
    retention=Retention(text=_("It stays until one of the two accounts is deleted.")),
    visible_to=_("The teen sees it."),
    erasure_removes=_("Each time a parent looked"),
    is_private=True,
    models=(ParentViewLog,),
    labels={
        "first_opened_at": _("when"),
        "last_opened_at": _("until"),
        "who": _("who looked"),
        "parent_view": _("at what"),
    },
    export=export_parent_view_entries,
    erase=erased_by_cascade,
)
