"""Crisis cards, the texts of pauses, refusals and support, help lines, the public protocol.

Public: api, cards, crisis, helplines, response_texts, review.
"""
