"""The ledger of tokens and money: plans, budgets, holds, grants, entries. Only this room writes its tables.

Public: allowances, errors, models, selectors, services.
"""
