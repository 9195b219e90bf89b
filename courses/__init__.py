"""Modules: written in files, loaded, read, found, done, certified; and the briefings.

Each room inside says in its docstring what the others may import of it. Rooms above courses import only these:

authoring.loading     load_library makes the database hold what is in the files
authoring.source      ContentBroken, with every error of those files
learning.records      what somebody has done
library.selectors     modules as their reader stands in them
retrieval.search      the passages that speak of a question, for the tutor to cite
retrieval.wording     a question in the words of lessons
selectors             which modules there are, in the reader's language

pyproject.toml has both lists as contracts.
"""
