"""The tutor: conversations and their turns, from a question to its answer.

asking/ makes a question a turn, answering/ writes the answer in a worker, streaming/ carries its words to pages and
programs, web/ and api/ are the doors, parent_view.py is what a parent sees. turns/ holds what several of them do
with a row, prompt.py what the model is told. docs/architecture.md walks one question through all of it.

Each room inside says in its docstring what the others may import of it. Rooms above chat import only these:

selectors        how many turns are being answered
turns.outages    whether the model is down
turns.outcomes   what is measured of ended turns

pyproject.toml has both lists as contracts.
"""
