"""Looking at what a teen agreed may be seen. Nobody looks without its being written down."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from families.gate import gate_of
from families.models import Link, Look
from families.terms import View

# Pages that a parent turns within this time of a look belong to it; the page of the looks tells the teen so.
LOOK_LASTS = timedelta(minutes=10)


@transaction.atomic
def look_take(*, link: Link, goes_on: bool = False) -> View:
    """Write down that the parent of `link` looks now, and return what they may see: the most private agreed view.

    With `goes_on` the parent turns a page. That is part of a look at the same view which began in the last ten minutes,
    and a look of its own where there was none.
    """
    view = view_of(link)
    since = timezone.now() - LOOK_LASTS
    if not goes_on or not Look.objects.filter(link=link, view=view, at__gt=since).exists():
        Look.objects.create(link=link, view=view)
    return view


def view_of(link: Link) -> View:
    """What the parent of `link` may see now."""
    return gate_of(link.teen).terms.view
