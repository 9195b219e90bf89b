"""What is kept of looks, for the privacy page, the copy and the erasure."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from families.models import Look
from privacy.registry import Kind, Retention, Row, leave


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
