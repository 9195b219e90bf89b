"""Why the ledger refuses, each with a docstring that says it."""

from datetime import datetime


class LedgerRefusal(Exception):
    """The ledger refuses."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class BudgetShort(LedgerRefusal):
    """Not enough of today's budget is left.

    `needed` and `left` are tokens, `refills_at` is when the next day begins.
    """

    def __init__(self, *, needed: int, left: int, refills_at: datetime) -> None:
        super().__init__()
        self.needed = needed
        self.left = left
        self.refills_at = refills_at


class KeyTaken(LedgerRefusal):
    """This key belongs to somebody else's hold."""


class HoldUnknown(LedgerRefusal):
    """No hold has this key."""


class HoldResolved(LedgerRefusal):
    """This hold was resolved before; a hold resolves once.

    `state` says how: settled, released or expired.
    """

    def __init__(self, state: str) -> None:
        super().__init__()
        self.state = state
