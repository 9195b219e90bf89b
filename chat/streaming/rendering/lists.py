"""Indentation as models mean it."""

import re
from dataclasses import dataclass, field

_ITEM = re.compile(r"(?:[-+*]|(?P<number>\d{1,9})[.)])(?P<space>\s+|$)")
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_STARTS_A_BLOCK = "#>|`~\\$"
_CODE = 4
_NESTED = 2


def nest_sub_points(markdown: str) -> str:
    """Move sub-points below a numbered point to where Markdown looks for them.

    Models put two spaces before a sub-point. That is enough below `- `, but below `1. ` the standard wants three,
    below `10. ` four, and makes a new list of what has less. The number of lines stays.
    """
    if "\n " not in markdown and "\n\t" not in markdown:
        return markdown
    nesting = _Nesting()
    return "\n".join(map(nesting.mended, markdown.split("\n")))


@dataclass
class _Nesting:
    """Where the lines of a list begin, while they are read one by one."""

    # Of each point that is open: where its mark stands, and where its text does.
    items: list[tuple[int, int]] = field(default_factory=list)
    # From which indentation on lines are moved, and by how much.
    shifts: list[tuple[int, int]] = field(default_factory=list)
    fence: str = ""
    after_blank: bool = False

    def mended(self, line: str) -> str:
        text = line.lstrip(" \t")
        if not text:
            self.after_blank = True
            return line
        raw = len(line[: len(line) - len(text)].expandtabs(4))
        if not self.fence:
            self._close(raw, text)
        shift = self.shifts[-1][1] if self.shifts else 0
        indent = raw + shift
        if self.fence:
            if text.rstrip().startswith(self.fence) and not text.strip(self.fence[0] + " \t"):
                self.fence = ""
        elif opened := _FENCE.match(text):
            self.fence = opened[1]
        elif item := _ITEM.match(text):
            extra = self._missing(indent)
            if extra:
                self.shifts.append((raw, shift + extra))
                shift, indent = shift + extra, indent + extra
            self._open(indent, item)
        self.after_blank = False
        return " " * indent + text if shift else line

    def _close(self, raw: int, text: str) -> None:
        """Forget the points that this line is not part of."""
        is_item = _ITEM.match(text) is not None
        while self.shifts and raw < self.shifts[-1][0]:
            self.shifts.pop()
        indent = raw + (self.shifts[-1][1] if self.shifts else 0)
        while self.items:
            mark, inside = self.items[-1]
            if indent >= inside or (is_item and indent >= mark + _NESTED):
                break
            if not is_item and not self.after_blank and text[0] not in _STARTS_A_BLOCK:
                # A line without indentation goes on with the paragraph above it.
                break
            self.items.pop()

    def _missing(self, indent: int) -> int:
        """How many columns a sub-point lacks to be one."""
        if not self.items:
            return 0
        mark, inside = self.items[-1]
        return inside - indent if mark + _NESTED <= indent < inside else 0

    def _open(self, indent: int, item: re.Match[str]) -> None:
        base = self.items[-1][1] if self.items else 0
        if indent - base >= _CODE:
            return
        width = len(item[0].rstrip())
        space = len(item["space"].expandtabs(4))
        self.items.append((indent, indent + width + (space if 1 <= space <= _CODE else 1)))
