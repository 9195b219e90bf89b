"""Tells a teen on their own pages that something happened to an incident of theirs."""

from typing import Any

from django.db.models.signals import post_save
from django.utils import translation

from families.notices import NoticeText as _
from families.notices import send_notice
from families.selectors import list_notices
from safeguarding.models import LOOK_KINDS, EntryKind, IncidentEntry

TOLD_KINDS = frozenset(
    (
        *LOOK_KINDS,
        EntryKind.TEEN_ASKED,
        EntryKind.PARENT_TOLD,
        EntryKind.OTHER_ADULT_TOLD,
        EntryKind.RESOLVED,
        EntryKind.FALSE_ALARM,
    )
)


def connect() -> None:
    """Send a notice for each entry that its teen should read, in the entry's transaction."""
    post_save.connect(_tell_teen, sender=IncidentEntry, dispatch_uid="safeguarding.teen_notices")


def _tell_teen(instance: IncidentEntry, *, created: bool, **_sent: Any) -> None:
    if not created or instance.kind not in TOLD_KINDS:
        return
    incident = instance.incident
    if incident.teen is None or incident.is_drill:
        return
    # Others may see the screen or the mailbox, so it says nothing of a crisis, and the email links no page about one.
    text = _("There’s something new on a page that only you can see. The link is under “Only for you”.")
    with translation.override(incident.teen.language):
        known = str(_(text.message))
    is_known = list_notices(incident.teen).filter(text=known, seen_at=None).exists()
    if not is_known:
        send_notice(
            person=incident.teen,
            text=text,
            subject=_("There’s something new for you"),
            email_text=_("There’s something new for you to read on Kitchen Table."),
            action_text=_("Sign in and open your family page:"),
        )
