"""Personal data in the ledger: how much a person used in each period, until their name is removed."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from budgets.formatting import describe_change
from budgets.grant_files import KEPT_FOR, delete_expired_files
from budgets.models import (
    Budget,
    BudgetAlert,
    BudgetChange,
    ChangeKind,
    Grant,
    GrantBatch,
    Hold,
    LedgerEntry,
    Overrun,
    Period,
    UsageRecord,
)
from privacy.admin_log import redact_rows
from privacy.registry import DataKind, Retention, Row


def export_usage(person: Person) -> Iterator[Row]:
    """Yield how much a person used in each period, oldest first."""
    for period in Period.objects.filter(budget__owner=person).order_by("starts_at").iterator():
        yield {
            "day": period.starts_at.astimezone(person.zone).date(),
            "tokens": period.spent,
            "granted": period.granted if period.limits_tokens else None,
            "dollars": period.spent_microdollars / 1_000_000,
        }


def erase_usage(person: Person) -> None:
    """Remove the person from their budget. Periods, holds and entries stay, so the site's sums still add up."""
    budgets = Budget.objects.filter(owner=person)
    redact_rows(budgets)
    redact_rows(Period.objects.filter(budget__in=budgets))
    budgets.update(owner=None)


def export_grants(person: Person) -> Iterator[Row]:
    """Yield the grants on a person's budget, oldest first."""
    for grant in Grant.objects.filter(budget__owner=person).order_by("given_at").iterator():
        yield {
            "given_at": grant.given_at,
            "expires_at": grant.expires_at,
            "tokens": grant.tokens,
            "dollars": grant.microdollars / 1_000_000,
            "reason": grant.reason,
        }


def erase_grants(person: Person) -> None:
    """Blank the reasons of grants, which may identify the person. The amounts stay."""
    grants = Grant.objects.filter(budget__owner=person)
    redact_rows(grants)
    grants.update(reason="")
    Grant.objects.filter(given_by=person).update(given_by=None)


def export_grant_files(person: Person) -> Iterator[Row]:
    """Yield the files of grants that a person uploaded, oldest first. Their rows are about other people."""
    for batch in GrantBatch.objects.filter(by=person).order_by("uploaded_at").iterator():
        yield {
            "uploaded_at": batch.uploaded_at,
            "given_at": batch.given_at,
            "file": batch.file_name,
            "rows": batch.row_count,
        }


def erase_grant_files(person: Person) -> None:
    """Delete files that were not given and that the person uploaded or is named in. Blank the names of given ones."""
    # A username may be part of another one. The file can be uploaded again.
    waiting = GrantBatch.objects.filter(given_at=None)
    waiting.filter(Q(by=person) | Q(content__icontains=person.username)).delete()
    GrantBatch.objects.filter(by=person).update(by=None, file_name="")


def export_changes(person: Person) -> Iterator[Row]:
    """Yield what was changed about a person's allowance, oldest first. Grants are a kind of their own."""
    changes = BudgetChange.objects.filter(budget__owner=person).exclude(kind=ChangeKind.GRANT)
    for change in changes.order_by("at").iterator():
        yield {"at": change.at, "change": describe_change(change)}


def erase_changes(person: Person) -> None:
    """Remove the person's name from what they changed as an admin. The values before and after have no names."""
    BudgetChange.objects.filter(by=person).update(by=None)
    Budget.objects.filter(stopped_by=person).update(stopped_by=None)


USAGE = DataKind(
    name="usage",
    title=_("How much you used"),
    description=_("How many tokens each answer used. None of the text."),
    retention=Retention(
        text=_("It’s part of the site’s accounts, and stays when you delete a conversation.")
    ),
    erasure_removes=_("Your name in the records of what you used"),
    erasure_keeps=_(
        "How many tokens were used on each day. It’s part of the site’s totals and has no name on it."
    ),
    is_private=False,
    models=(Budget, BudgetAlert, Period, Hold, LedgerEntry, Overrun, UsageRecord),
    labels={
        "day": _("day"),
        "tokens": _("tokens used"),
        "granted": _("tokens you could use"),
        "dollars": _("dollars"),
    },
    export=export_usage,
    erase=erase_usage,
)
GRANTS = DataKind(
    name="grants",
    title=_("Extra you were given"),
    description=_("How much an admin gave you on top of your plan, until when, and why."),
    retention=Retention(text=_("It’s part of the site’s accounts.")),
    erasure_removes=_("Why you were given extra"),
    erasure_keeps=_("How much was given and when. It’s part of the site’s totals and has no name on it."),
    is_private=False,
    models=(Grant,),
    labels={
        "given_at": _("given"),
        "expires_at": _("expires"),
        "tokens": _("tokens"),
        "dollars": _("dollars"),
        "reason": _("reason"),
    },
    export=export_grants,
    erase=erase_grants,
)
GRANT_FILES = DataKind(
    name="grant-files",
    title=_("Files of grants that you uploaded"),
    description=_(
        "A file that gives many people something extra. Its rows are kept only until they are given."
    ),
    retention=Retention(
        text=_(
            "If it isn’t given, it’s deleted after %(days)d day. What was given is part of the site’s accounts."
        ),
        days=KEPT_FOR.days,
        counted_from=_("the upload"),
        delete_expired=delete_expired_files,
        task="budgets.tasks.delete_expired_files",
    ),
    visible_to=_("Admins who may give grants."),
    erasure_removes=_(
        "Files that weren’t given and that you uploaded or are named in, and the names of your files"
    ),
    erasure_keeps=_("That a file was given, and when. It has no name on it."),
    is_private=True,
    models=(GrantBatch,),
    labels={
        "uploaded_at": _("uploaded"),
        "given_at": _("given"),
        "file": _("file"),
        "rows": _("rows"),
    },
    export=export_grant_files,
    erase=erase_grant_files,
)
CHANGES = DataKind(
    name="budget-changes",
    title=_("Changes of your plan"),
    description=_("Which plan or allowance you were put on, and when."),
    retention=Retention(text=_("It’s part of the site’s accounts.")),
    erasure_removes=_("Your name in the records of these changes"),
    erasure_keeps=_("What was changed and when. It has no name on it."),
    is_private=False,
    models=(BudgetChange,),
    labels={"at": _("when"), "change": _("what was changed")},
    export=export_changes,
    erase=erase_changes,
)
# Order matters: grants and changes are found by the budget's owner, so erase them before usage removes the owner.
KINDS = (GRANTS, GRANT_FILES, CHANGES, USAGE)
