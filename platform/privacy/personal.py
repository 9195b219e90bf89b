"""Personal data that no other room keeps: rate limits, erasures and the admin log."""

from collections.abc import Iterator

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _

from kit.person import Person
from privacy import services
from privacy.admin_log import TITLE_RETENTION, redact_expired_titles
from privacy.registry import DataKind, Retention, Row, erased_by_cascade, no_rows


def export_admin_log(person: Person) -> Iterator[Row]:
    """Yield what kind of object the person changed, never its title, which may be another person's name."""
    entries = LogEntry.objects.filter(user=person).select_related("content_type").order_by("action_time")
    for entry in entries.iterator():
        kind = entry.content_type.name if entry.content_type else ""
        yield {"at": entry.action_time, "action": entry.get_action_flag_display(), "object": kind}


ADMIN_LOG = DataKind(
    name="admin-log",
    title=_("The admin pages"),
    description=_("For people who run this site: what they changed, and when."),
    retention=Retention(
        text=_(
            "After %(days)d days, names are removed. The rest stays until the admin’s account is deleted."
        ),
        days=TITLE_RETENTION.days,
        counted_from=_("the change"),
        delete_expired=redact_expired_titles,
        task="privacy.tasks.redact_expired_titles",
    ),
    is_private=False,
    models=(LogEntry,),
    labels={"at": _("when"), "action": _("what they did"), "object": _("on what")},
    export=export_admin_log,
    erase=erased_by_cascade,
)
ERASED = DataKind(
    name="erased",
    title=_("Deleted accounts"),
    description=_(
        "The number of a deleted account, and when it was created and deleted. Without it, restoring a "
        "backup would bring the account back."
    ),
    retention=Retention(
        text=_("It is deleted after %(days)d days, when no backup still contains the account."),
        days=services.BACKUP_RETENTION.days,
        counted_from=_("the deletion"),
        delete_expired=services.delete_expired_erasures,
        task="privacy.tasks.delete_expired_erasures",
    ),
    is_private=False,
    export=no_rows,
    erase=erased_by_cascade,
)
TRIES = DataKind(
    name="tries",
    title=_("Protection against abuse"),
    description=_("How often something was tried from one network address, for up to an hour."),
    retention=Retention(text=_("The address isn’t kept longer than that.")),
    is_private=False,
    export=no_rows,
    erase=erased_by_cascade,
)
# Pages show the kinds in reverse order.
DATA_KINDS = (TRIES, ERASED, ADMIN_LOG)
