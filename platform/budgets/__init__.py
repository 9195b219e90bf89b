"""The ledger of tokens and money: plans, budgets, holds, grants and entries. Only this room writes its tables.

Public: allowances, audit, errors, models, selectors, services.
"""
