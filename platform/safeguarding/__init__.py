"""Crisis cards, the texts of pauses, refusals and support, help lines, the public protocol.

Public: api, cards, crisis, response_texts, review.
"""
