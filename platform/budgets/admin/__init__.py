"""The admin of budgets: people and their allowances, families and the site, plans, grants, and the ledger itself."""

from budgets.admin.budgets import BudgetAdmin
from budgets.admin.grants import GrantAdmin
from budgets.admin.ledger import (
    AuditAdmin,
    BudgetAlertAdmin,
    BudgetChangeAdmin,
    EntryAdmin,
    HoldAdmin,
    OverrunAdmin,
    PeriodAdmin,
)
from budgets.admin.owners import BudgetOwnerAdmin
from budgets.admin.plans import PlanAdmin

__all__ = [
    "AuditAdmin",
    "BudgetAdmin",
    "BudgetAlertAdmin",
    "BudgetChangeAdmin",
    "BudgetOwnerAdmin",
    "EntryAdmin",
    "GrantAdmin",
    "HoldAdmin",
    "OverrunAdmin",
    "PeriodAdmin",
    "PlanAdmin",
]
