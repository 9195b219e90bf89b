"""The ledger of tokens and money: plans, budgets, holds, grants and entries. Only this room writes its tables.

Public: alerts, allowances, amounts, audit, dollars, errors, forecasting, forecasts, models, pace, presets, pricing,
selectors, services, spending, usage.
"""
