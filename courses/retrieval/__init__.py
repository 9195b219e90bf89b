"""Find passages of lessons for a question: the index, the search, and how people phrase things.

Public: index, search, wording.
"""
