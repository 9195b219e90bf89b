"""A parent's copy: their own data, and of each linked teen what is not the teen's alone."""

from tempfile import SpooledTemporaryFile

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Person
from families.notices import notice_send
from families.selectors import teens_of
from privacy.archive import archive_make


@transaction.atomic
def family_copy_take(*, parent: Person) -> SpooledTemporaryFile[bytes]:
    """The zip of a family. Each teen is told that a parent took one. Whoever takes it closes it."""
    teens = list(teens_of(parent).order_by("pk"))
    words = _("%(who)s took a copy of your account’s data. Nothing that you wrote or learned is in it.")
    for teen in teens:
        notice_send(
            person=teen,
            words=words % {"who": parent},
            to_do=_("You can take a copy of your own data:"),
            path=reverse("privacy:data"),
        )
    return archive_make(person=parent, teens=teens)
