"""What is kept of people beside what each room keeps: tries, erasures, and the log of the admin pages."""

from collections.abc import Iterator

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _

from kit.person import Person
from privacy import services
from privacy.log_titles import TITLES_KEPT_FOR, log_titles_forget
from privacy.registry import Kind, Retention, Row, leave, nothing


def admin_log_export(person: Person) -> Iterator[Row]:
    """What kind of thing they changed, and never its title: that may be somebody else's name."""
    entries = LogEntry.objects.filter(user=person).select_related("content_type").order_by("action_time")
    for entry in entries.iterator():
        of = entry.content_type.name if entry.content_type else ""
        yield {"at": entry.action_time, "did": entry.get_action_flag_display(), "of": of}


ADMIN_LOG = Kind(
    name="admin-log",
    title=_("The admin pages"),
    what=_("For the people who run this site: what they changed there, and when."),
    retention=Retention(
        words=_(
            "After %(days)d days the name of whom it was about is struck out; "
            "the rest stays until their account is deleted."
        ),
        days=TITLES_KEPT_FOR.days,
        since=_("the change"),
        forget=log_titles_forget,
        task="privacy.tasks.log_titles_forget",
    ),
    private=False,
    models=(LogEntry,),
    labels={"at": _("when"), "did": _("what they did"), "of": _("to what")},
    export=admin_log_export,
    erase=leave,
)
ERASED = Kind(
    name="erased",
    title=_("Erased accounts"),
    what=_(
        "The number of an account that was erased, and when it was made and erased. Without it a backup that has to be "
        "restored would bring the account back."
    ),
    retention=Retention(
        words=_("It is deleted %(days)d days after the erasure, when no backup is older."),
        days=services.BACKUPS_KEPT_FOR.days,
        since=_("the erasure"),
        forget=services.erased_people_forget,
        task="privacy.tasks.erased_people_forget",
    ),
    private=False,
    export=nothing,
    erase=leave,
)
TRIES = Kind(
    name="tries",
    title=_("Against abuse"),
    what=_("For minutes up to an hour, how often something was tried from one network address."),
    retention=Retention(words=_("The address is not written down beyond that.")),
    private=False,
    export=nothing,
    erase=leave,
)
# A page shows them the other way round, the highest room first.
KINDS = (TRIES, ERASED, ADMIN_LOG)
