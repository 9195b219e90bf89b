"""Errors of the ledger. The docstring of each is its message."""

from datetime import datetime

from budgets.costs import Unit
from budgets.models import BudgetScope


class LedgerError(Exception):
    """The ledger refuses an operation."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class InsufficientBudget(LedgerError):
    """Not enough of a budget is left for its period.

    `scope` says whose budget it is. `needed` and `left` are amounts in `unit`. `refills_at` is when the next
    period starts.
    """

    def __init__(
        self, *, scope: BudgetScope, unit: Unit, needed: int, left: int, refills_at: datetime
    ) -> None:
        super().__init__()
        self.scope = scope
        self.unit = unit
        self.needed = needed
        self.left = left
        self.refills_at = refills_at

    @property
    def short_by(self) -> int:
        """How much is missing, in `unit`."""
        return self.needed - self.left


class SiteStopped(LedgerError):
    """An admin has stopped new holds on the whole site."""


class HoldKeyTaken(LedgerError):
    """This key belongs to another person's hold."""


class HoldNotFound(LedgerError):
    """No hold has this key."""


class HoldAlreadyResolved(LedgerError):
    """This hold is already resolved.

    `state` says how: settled, released or expired.
    """

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state = state


class InvalidNesting(LedgerError):
    """A person's budget needs a family's or the site's as its parent, and a family's needs the site's."""
