"""Crisis cards, the words of pauses and refusals, help lines, the public protocol.

Public: acts, api, cards, crisis, review.
"""
