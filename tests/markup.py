"""Compares pages regardless of the line breaks in their templates."""

import re

EDGES = re.compile(r"(?<=>) | (?=<|/?>)")


def squeezed(page: str) -> str:
    """Collapse each run of white space to one space, and remove it beside tags, where templates may break lines."""
    return EDGES.sub("", re.sub(r"\s+", " ", page))
