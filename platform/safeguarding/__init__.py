"""Crisis cards and other fixed texts, help lines, the public protocol; counts, incidents and their review.

Public: api, card_review, cards, context, counts, crisis, helplines, human_review, incidents, readiness,
response_texts, review, teen_page.
"""
