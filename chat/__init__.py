"""The tutor: conversations and their turns, from a question to its answer.

asking/ turns a question into a turn, answering/ writes its answer in a worker, streaming/ sends the text to pages and
programs, memory/ chooses what is remembered, web/ has the pages, api/ the API and parent_view.py the parent view.
method/ decides how homework is helped with, turns/ has what several of them share, and prompt.py builds prompts.
docs/architecture.md follows one question through all of it.

The docstring of each package names the modules that the others may import. Rooms above chat import only these:

errors           why the tutor is closed to a person, for labs, which close with it
formatting       why it is closed or what a budget lacks, as a person reads it
model_choice     which model answers a person's next question, and its limits
prompt           a prompt with passages, and marks made harmless
prompt_profiles  how a model of a size is told and sampled
selectors        the number of live turns; the pause in force
turns.outages    whether the model is down
turns.outcomes   metrics of ended turns
turns.verdicts   what follows from the guard's verdict

pyproject.toml enforces both lists.
"""
