"""A parent's export: their own data, and what is not private to each linked teen."""

from tempfile import SpooledTemporaryFile

from django.db import transaction
from django.urls import reverse

from accounts.models import Person
from families.notices import NoticeText as _
from families.notices import send_notice
from families.selectors import list_teens
from privacy.archive import build_archive


@transaction.atomic
def export_family(*, parent: Person) -> SpooledTemporaryFile[bytes]:
    """Build the family's zip and notify each teen. The caller closes the file. Raises ExportCapacityExceeded."""
    teens = list(list_teens(parent).order_by("pk"))
    text = _(
        "%(who)s downloaded a copy of your account’s data. It doesn’t include anything you wrote or learned."
    )
    for teen in teens:
        send_notice(
            person=teen,
            text=text % {"who": parent},
            action_text=_("You can download your own data too:"),
            path=reverse("privacy:data"),
        )
    return build_archive(person=parent, teens=teens)
