"""What is kept of people beside what each room keeps: tries, erasures, and the log of the admin pages."""

from collections.abc import Iterator

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _

from kit.person import Person
from privacy import services
from privacy.admin_log import TITLE_RETENTION, redact_expired_titles
from privacy.registry import DataKind, Retention, Row, erased_by_cascade, no_rows


def export_admin_log(person: Person) -> Iterator[Row]:
    """What kind of thing they changed, and never its title: that may be somebody else's name."""
    entries = LogEntry.objects.filter(user=person).select_related("content_type").order_by("action_time")
    for entry in entries.iterator():
        of = entry.content_type.name if entry.content_type else ""
        yield {"at": entry.action_time, "did": entry.get_action_flag_display(), "of": of}


ADMIN_LOG = DataKind(
    name="admin-log",
    title=_("The admin pages"),
    description=_("For the people who run this site: what they changed there, and when."),
    retention=Retention(
        text=_(
            "After %(days)d days the name of whom it was about is struck out; "
            "the rest stays until their account is deleted."
        ),
        days=TITLE_RETENTION.days,
        counted_from=_("the change"),
        delete_expired=redact_expired_titles,
        task="privacy.tasks.redact_expired_titles",
    ),
    is_private=False,
    models=(LogEntry,),
    labels={"at": _("when"), "did": _("what they did"), "of": _("to what")},
    export=export_admin_log,
    erase=erased_by_cascade,
)
ERASED = DataKind(
    name="erased",
    title=_("Erased accounts"),
    description=_(
        "The number of an account that was erased, and when it was made and erased. Without it a backup that has to be "
        "restored would bring the account back."
    ),
    retention=Retention(
        text=_("It is deleted %(days)d days after the erasure, when no backup is older."),
        days=services.BACKUP_RETENTION.days,
        counted_from=_("the erasure"),
        delete_expired=services.delete_expired_erasures,
        task="privacy.tasks.delete_expired_erasures",
    ),
    is_private=False,
    export=no_rows,
    erase=erased_by_cascade,
)
TRIES = DataKind(
    name="tries",
    title=_("Against abuse"),
    description=_("For minutes up to an hour, how often something was tried from one network address."),
    retention=Retention(text=_("The address is not written down beyond that.")),
    is_private=False,
    export=no_rows,
    erase=erased_by_cascade,
)
# A page shows them the other way round, the highest room first.
DATA_KINDS = (TRIES, ERASED, ADMIN_LOG)
