"""The ledger: nested budgets, their periods, the holds on them, and the entries that record what happened.

Entries are the source of truth. Period sums are stored for speed, and `audit_budgets` compares the two. Only this
app writes these tables.
"""

from budgets.calendar import PeriodLength
from budgets.models.alerts import AlertKind, BudgetAlert
from budgets.models.audits import Audit
from budgets.models.budgets import SITE_SHARDS, Budget, BudgetScope, StopReason, format_family_name
from budgets.models.changes import BudgetChange, ChangeKind
from budgets.models.entries import EntryKind, LedgerEntry, Overrun
from budgets.models.forecasts import Forecast
from budgets.models.grants import Grant, GrantBatch
from budgets.models.holds import AnswerShortening, Hold, HoldState
from budgets.models.owners import BudgetOwner
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
    "AlertKind",
    "AnswerShortening",
    "Audit",
    "Budget",
    "BudgetAlert",
    "BudgetChange",
    "BudgetOwner",
    "BudgetScope",
    "ChangeKind",
    "EntryKind",
    "Forecast",
    "Grant",
    "GrantBatch",
    "Hold",
    "HoldState",
    "LedgerEntry",
    "Overrun",
    "Period",
    "PeriodLength",
    "Plan",
    "StopReason",
    "UsageRecord",
    "build_default_plan",
    "default_daily_tokens",
    "format_family_name",
]
