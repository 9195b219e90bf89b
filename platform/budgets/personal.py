"""What the ledger keeps about a person: how much they used on which day, as long as it has their name."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.personal import log_blank
from accounts.registry import Kind, Retention, Row
from budgets.models import Budget, Entry, Hold, Period


def usage_export(person: Person) -> Iterator[Row]:
    for period in Period.objects.filter(budget__owner=person).order_by("starts_at").iterator():
        yield {
            "day": period.starts_at.astimezone(person.zone).date(),
            "tokens": period.spent,
            "granted": period.granted,
        }


def usage_erase(person: Person) -> None:
    """Cut the name off. Days, holds and entries stay as they are: the site's sums must add up."""
    budgets = Budget.objects.filter(owner=person)
    log_blank(budgets)
    log_blank(Period.objects.filter(budget__in=budgets))
    budgets.update(owner=None)


USAGE = Kind(
    name="usage",
    title=_("How much you used"),
    what=_("How many tokens each answer took, without a word of it."),
    retention=Retention(
        words=_("It is kept as the site’s accounts, and stays when a conversation is deleted.")
    ),
    gone=_("Your name on what you used"),
    stays=_("How many tokens were used on which day. It is part of the site’s sums and has no name on it."),
    private=False,
    models=(Budget, Period, Hold, Entry),
    labels={"day": _("day"), "tokens": _("tokens used"), "granted": _("tokens you could use")},
    export=usage_export,
    erase=usage_erase,
)
KINDS = (USAGE,)
