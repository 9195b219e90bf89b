"""Find passages of lessons for a question: the index, the search, and how people phrase things.

`index` writes the index into the database when the library is loaded. `current_index` keeps a copy of it in memory
(`passage_index`), which answers questions with `stemming` and `spelling` (ADR 56).

Public: index, search, wording.
"""
