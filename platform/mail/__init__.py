"""One outbox: a mail is written in the transaction that causes it, and sent afterwards.

Public: letters, models, selectors, services.
"""
