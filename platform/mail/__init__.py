"""The outbox: emails are written in the transaction that causes them, and sent after it.

Public: messages, models, selectors, services.
"""
