"""Crisis cards and other fixed texts, help lines, the public protocol; counts, incidents and their review.

Public: api, cards, context, counts, crisis, helplines, incidents, response_texts, review.
"""
