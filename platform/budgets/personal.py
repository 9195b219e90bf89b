"""What the ledger keeps about a person: how much they used in which period, as long as it has their name."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from budgets.models import Budget, Grant, Hold, LedgerEntry, Overrun, Period
from privacy.admin_log import redact_rows
from privacy.registry import DataKind, Retention, Row


def export_usage(person: Person) -> Iterator[Row]:
    for period in Period.objects.filter(budget__owner=person).order_by("starts_at").iterator():
        yield {
            "day": period.starts_at.astimezone(person.zone).date(),
            "tokens": period.spent,
            "granted": period.granted if period.limits_tokens else None,
            "dollars": period.spent_microdollars / 1_000_000,
        }


def erase_usage(person: Person) -> None:
    """Cut the name off. Periods, holds and entries stay as they are: the site's sums must add up."""
    budgets = Budget.objects.filter(owner=person)
    redact_rows(budgets)
    redact_rows(Period.objects.filter(budget__in=budgets))
    budgets.update(owner=None)


def export_grants(person: Person) -> Iterator[Row]:
    for grant in Grant.objects.filter(budget__owner=person).order_by("given_at").iterator():
        yield {
            "given_at": grant.given_at,
            "expires_at": grant.expires_at,
            "tokens": grant.tokens,
            "dollars": grant.microdollars / 1_000_000,
            "reason": grant.reason,
        }


def erase_grants(person: Person) -> None:
    """Blank why somebody was given something extra, which may say who they are. How much it was stays."""
    grants = Grant.objects.filter(budget__owner=person)
    redact_rows(grants)
    grants.update(reason="")
    Grant.objects.filter(given_by=person).update(given_by=None)


USAGE = DataKind(
    name="usage",
    title=_("How much you used"),
    description=_("How many tokens each answer took, without a word of it."),
    retention=Retention(
        text=_("It is kept as the site’s accounts, and stays when a conversation is deleted.")
    ),
    erasure_removes=_("Your name on what you used"),
    erasure_keeps=_(
        "How many tokens were used on which day. It is part of the site’s sums and has no name on it."
    ),
    is_private=False,
    models=(Budget, Period, Hold, LedgerEntry, Overrun),
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
    title=_("What you were given extra"),
    description=_("How much an admin gave you beyond your plan, until when, and why."),
    retention=Retention(text=_("It is kept as the site’s accounts.")),
    erasure_removes=_("Why you were given something extra"),
    erasure_keeps=_("How much was given and when. It is part of the site’s sums and has no name on it."),
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
# A grant is found by its budget's owner, so its reason goes before the name does.
KINDS = (GRANTS, USAGE)
