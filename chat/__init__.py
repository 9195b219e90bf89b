"""The tutor: conversations and their turns, from a question to its answer.

asking/ turns a question into a turn, answering/ writes its answer in a worker, streaming/ sends the text to pages and
programs, memory/ chooses what is remembered, web/ has the pages, api/ the API and parent_view.py the parent view.
turns/ has what several of them share, and prompt.py builds prompts. docs/architecture.md follows one question through
all of it.

The docstring of each package names the modules that the others may import. Rooms above chat import only these:

selectors        the number of live turns
turns.outages    whether the model is down
turns.outcomes   metrics of ended turns

pyproject.toml enforces both lists.
"""
