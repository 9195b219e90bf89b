"""A parent's copy: their own data, and of each linked teen what is not the teen's alone."""

from tempfile import SpooledTemporaryFile

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Person
from families.notices import send_notice
from families.selectors import list_teens
from privacy.archive import build_archive


@transaction.atomic
def export_family(*, parent: Person) -> SpooledTemporaryFile[bytes]:
    """The zip of a family. Each teen is told that a parent took one. Whoever takes it closes it."""
    teens = list(list_teens(parent).order_by("pk"))
    words = _("%(who)s took a copy of your account’s data. Nothing that you wrote or learned is in it.")
    for teen in teens:
        send_notice(
            person=teen,
            text=words % {"who": parent},
            action_text=_("You can take a copy of your own data:"),
            path=reverse("privacy:data"),
        )
    return build_archive(person=parent, teens=teens)
