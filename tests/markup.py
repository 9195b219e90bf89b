"""What a page says, whatever lines its template is written on."""

import re

EDGES = re.compile(r"(?<=>) | (?=<|/?>)")


def squeezed(page: str) -> str:
    """One space for each run of space, and none at the edge of a tag, where a template may be broken."""
    return EDGES.sub("", re.sub(r"\s+", " ", page))
