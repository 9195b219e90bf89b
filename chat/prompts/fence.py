"""Keeps what others wrote from passing for the prompt's own words: a lesson, a past turn, the question itself."""

import re

OPEN, CLOSE = "<reading>", "</reading>"
# What begins a turn, or ends one, in the templates of the models in use, and our own fence. A server that renders a
# template may read such a mark in a text as if it had written it itself. Nothing is given back once it is taken: a
# long gap in a text must not cost its length squared.
MARKS = re.compile(
    r"""
    < (?= \s*+ (?: [|｜]
              | /?+ \s*+ (?: reading | s | bos | eos | unk | pad | system | user | assistant
                         | (?:start|end)_of_turn | (?:start|end)_header_id | eot_id | think | tool_call ) \s*+ >
              | < \s*+ /?+ \s*+ SYS ) )
    | \[ (?= \s*+ /?+ \s*+ (?: INST | SYSTEM_PROMPT | TOOL_CALLS | AVAILABLE_TOOLS ) \s*+ \] )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def harmless(text: str) -> str:
    """The same text to a reader, with a space in every mark, so that to a model it is no mark."""
    return MARKS.sub(lambda mark: f"{mark[0]} ", text)


def fenced(text: str) -> str:
    """`text`, which harmless() has been through, between two marks that it cannot contain."""
    return f"{OPEN}\n{text}\n{CLOSE}"
