"""Modules and briefings: authoring, loading, reading, search, progress and certificates.

Each package's docstring lists its public modules. Rooms above courses import only these:

authoring.loading     load_library makes the database hold what is in the files
authoring.source      CONTENT_ROOT, the folder of those files
learning.records      a reader's work in modules
library.selectors     modules with a reader's progress
retrieval.search      the passages for a question, for the tutor to cite
retrieval.wording     a question in the words of lessons
selectors             the modules, in the reader's language

pyproject.toml has both lists as contracts.
"""
