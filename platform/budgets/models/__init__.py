"""The ledger: budgets that nest, their periods, the holds on them, and the entries that tell what happened.

Entries are the truth. A period's sums are kept beside them for speed, and `audit_budgets` compares the two.
Only this app writes these tables.
"""

from budgets.models.audits import Audit
from budgets.models.budgets import SITE_SHARDS, Budget, Floor
from budgets.models.entries import Entry, EntryKind, Overrun
from budgets.models.grants import Grant
from budgets.models.holds import Hold, HoldState, Shortening
from budgets.models.periods import Period
from budgets.models.plans import Plan, default_daily_tokens, plan_as_delivered

__all__ = [
    "SITE_SHARDS",
    "Audit",
    "Budget",
    "Entry",
    "EntryKind",
    "Floor",
    "Grant",
    "Hold",
    "HoldState",
    "Overrun",
    "Period",
    "Plan",
    "Shortening",
    "default_daily_tokens",
    "plan_as_delivered",
]
