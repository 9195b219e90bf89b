"""Looking at what a teen agreed may be seen. Nobody looks without its being written down."""

from django.db import transaction

from families.gate import gate_of
from families.models import Link, Look
from families.terms import View


@transaction.atomic
def look_take(*, link: Link) -> View:
    """Write down that the parent of `link` looks now, and return what they may see: the most private agreed view."""
    view = gate_of(link.teen).terms.view
    Look.objects.create(link=link, view=view)
    return view
