"""Why the ledger refuses, each with a docstring that says it."""

from datetime import datetime

from budgets.costs import Unit
from budgets.models import BudgetScope


class LedgerRefusal(Exception):
    """The ledger refuses."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class InsufficientBudget(LedgerRefusal):
    """Not enough of a budget is left for its period.

    `floor` says whose budget it is, `of` what it is short of. `needed` and `left` are counts of that, and
    `refills_at` is when its next period begins.
    """

    def __init__(self, *, scope: BudgetScope, of: Unit, needed: int, left: int, refills_at: datetime) -> None:
        super().__init__()
        self.scope = scope
        self.of = of
        self.needed = needed
        self.left = left
        self.refills_at = refills_at

    @property
    def short_by(self) -> int:
        return self.needed - self.left


class SiteStopped(LedgerRefusal):
    """Nothing is held on the whole site, until an admin lets it go on."""


class HoldKeyTaken(LedgerRefusal):
    """This key belongs to somebody else's hold."""


class HoldNotFound(LedgerRefusal):
    """No hold has this key."""


class HoldAlreadyResolved(LedgerRefusal):
    """This hold was resolved before; a hold resolves once.

    `state` says how: settled, released or expired.
    """

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state = state


class InvalidNesting(LedgerRefusal):
    """A person's budget lies within a family's or the site's, and a family's within the site's."""
