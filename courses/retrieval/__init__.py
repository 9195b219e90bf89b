"""How a question finds passages of lessons: the index, the search, and how people put things.

Public: index, search, wording.
"""
