"""Looking at what a teen agreed may be seen. Nobody looks without its being written down."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.models import Link, Look
from families.selectors import standing_links
from families.wider_views import Sight, sight_of
from privacy.registry import Kind, Retention, Row, leave

# What a parent opens within this time of the last page belongs to the same look; the page of the looks says so.
LOOK_LASTS = timedelta(minutes=10)
# After this long a look is another one, however often a page was opened, so that its two times say when it was.
LONGEST_LOOK = timedelta(hours=1)


@transaction.atomic
def look_take(*, link: Link) -> Sight:
    """Write down that the parent of `link` looks now, and return what they may see.

    A page that is opened within ten minutes of the one before, at the same view, goes on with that look and becomes its
    last time, for an hour at most: five reloads are one look, and none is left out.

    Raises Link.DoesNotExist for a link that has ended.
    """
    # Locked: of two pages that are opened at once the second finds the look of the first.
    link = standing_links().select_for_update(of=("self",), no_key=True).get(pk=link.pk)
    sight, now = sight_of(link), timezone.now()
    latest = Look.objects.filter(
        link=link, view=sight.view, at__gt=now - LONGEST_LOOK, last_at__gt=now - LOOK_LASTS
    )
    if not latest.update(last_at=now):
        Look.objects.create(link=link, view=sight.view, at=now, last_at=now)
    return sight


def looks_export(person: Person) -> Iterator[Row]:
    looks = Look.objects.filter(Q(link__teen=person) | Q(link__parent=person)).select_related("link__parent")
    for look in looks.order_by("at").iterator():
        yield {
            "at": look.at,
            "last_at": look.last_at,
            "who": str(look.link.parent),
            "view": look.get_view_display(),
        }


LOOKS = Kind(
    name="looks",
    title=_("Looks"),
    what=_("When a parent looked at what was agreed, so that the teen can see it."),
    retention=Retention(words=_("It stays until one of the two accounts is deleted.")),
    seen=_("The teen sees it."),
    gone=_("When somebody looked"),
    private=True,
    models=(Look,),
    labels={"at": _("when"), "last_at": _("until"), "who": _("who looked"), "view": _("at what")},
    export=looks_export,
    erase=leave,
)
