"""The ledger: nested budgets, their periods, the holds on them, and the entries that record what happened.

Entries are the source of truth. Period sums are stored for speed, and `audit_budgets` compares the two. Only this
app writes these tables.
"""

from budgets.calendar import PeriodLength
from budgets.models.audits import Audit
from budgets.models.budgets import SITE_SHARDS, Budget, BudgetScope
from budgets.models.entries import EntryKind, LedgerEntry, Overrun
from budgets.models.forecasts import Forecast
from budgets.models.grants import Grant
from budgets.models.holds import AnswerShortening, Hold, HoldState
from budgets.models.periods import Period
from budgets.models.plans import (
    MEMORY_TOKENS,
    MIN_MEMORY_TOKENS,
    Plan,
    build_default_plan,
    default_daily_tokens,
)
from budgets.models.usage import UsageRecord

__all__ = [
    "MEMORY_TOKENS",
    "MIN_MEMORY_TOKENS",
    "SITE_SHARDS",
    "AnswerShortening",
    "Audit",
    "Budget",
    "BudgetScope",
    "EntryKind",
    "Forecast",
    "Grant",
    "Hold",
    "HoldState",
    "LedgerEntry",
    "Overrun",
    "Period",
    "PeriodLength",
    "Plan",
    "UsageRecord",
    "build_default_plan",
    "default_daily_tokens",
]
