"""A content file as its author wrote it: front matter between `+++` lines, then Markdown."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTENT = Path(__file__).parents[1] / "content"
FRONT_MARK = "+++"
# A title stands in a list and on a phone.
LONGEST_LINE = 200
NAMES = {str: "a text", int: "a whole number", list: "a list", dict: "a table"}


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong at a line of a file (the first is 1), and how its author mends it."""

    file: str
    line: int
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what} {self.mend}"


class ContentBroken(Exception):
    """Content cannot be loaded. Each of `faults` names its file, its line and its mend."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass
class Faults:
    """Gathers the faults of many readings, so that an author sees all of them at once."""

    found: list[Fault] = field(default_factory=list)

    def of[T, N](self, read: Callable[[], T], otherwise: N) -> T | N:
        try:
            return read()
        except ContentBroken as broken:
            self.found.extend(broken.faults)
            return otherwise


@dataclass(frozen=True)
class Source:
    """One file, taken apart. `body_line` is the line on which its Markdown begins."""

    file: str
    front: dict[str, Any]
    front_text: str
    body: str
    body_line: int

    def fault(self, line: int, what: str, mend: str) -> ContentBroken:
        return ContentBroken(Fault(self.file, line, what, mend))

    def line_of(self, key: str, nth: int = 0) -> int:
        """The line on which the front matter gives `key` (or its `nth` table), or the first line of the file."""
        pattern = rf"\s*(\[\[)?{re.escape(key)}\b"
        lines = enumerate(self.front_text.split("\n"), 2)
        found = [number for number, line in lines if re.match(pattern, line)]
        return found[nth] if nth < len(found) else 1

    def get[T](self, key: str, kind: type[T]) -> T:
        """The front matter's `key`; raises ContentBroken when it is missing, empty or of another kind."""
        found = self.front.get(key)
        if key not in self.front:
            raise self.fault(1, f"“{key}” is missing.", f"Give it between the {FRONT_MARK} lines: {key} = …")
        if not isinstance(found, kind) or isinstance(found, bool) or found in ("", [], {}):
            mend = f"Make it {NAMES.get(kind, kind.__name__)} that is not empty."
            raise self.fault(self.line_of(key), f"“{key}” is not {NAMES.get(kind, kind.__name__)}.", mend)
        return found

    def line(self, key: str, *, most: int = LONGEST_LINE) -> str:
        """The front matter's `key`, a text of at most so many characters."""
        found = self.get(key, str)
        if len(found) > most:
            what = f"“{key}” is {len(found)} characters long."
            raise self.fault(self.line_of(key), what, f"Say it in {most} at most.")
        return found

    def number(self, key: str, *, least: int = 1, most: int = 600) -> int:
        found = self.get(key, int)
        if not least <= found <= most:
            raise self.fault(
                self.line_of(key), f"“{key}” is {found}.", f"Choose a number from {least} to {most}."
            )
        return found


def source_read(path: Path, *, root: Path) -> Source:
    """Take one file apart. Raises ContentBroken when it is not UTF-8 or its front matter is not TOML."""
    file = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = path.read_bytes()[: fault.start].count(b"\n") + 1
        raise ContentBroken(
            Fault(file, line, "This is not UTF-8 text.", "Save the file as UTF-8.")
        ) from fault
    return source_parse(text, file=file)


def source_parse(text: str, *, file: str) -> Source:
    """As source_read, for text that is there already."""
    lines = text.split("\n")
    if lines[0].rstrip() != FRONT_MARK:
        mend = f"Begin the file with a line {FRONT_MARK}, then title = …, then {FRONT_MARK} again."
        raise ContentBroken(Fault(file, 1, "The front matter is missing.", mend))
    closing = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FRONT_MARK), None)
    if closing is None:
        mend = f"Write a line {FRONT_MARK} below its last entry."
        raise ContentBroken(Fault(file, 1, "The front matter never ends.", mend))
    front_text = "\n".join(lines[1:closing])
    try:
        front = tomllib.loads(front_text)
    # What is nested too deep, and a number of thousands of digits, are none of the library's own errors.
    except (ValueError, RecursionError) as fault:
        at = re.search(r"line (\d+)", str(fault))
        line = int(at[1]) + 1 if at else closing
        mend = 'Write each entry as key = "text", key = 3 or key = ["one", "two"].'
        raise ContentBroken(Fault(file, line, f"The front matter is not TOML: {fault}.", mend)) from fault
    return Source(file, front, front_text, "\n".join(lines[closing + 1 :]), closing + 2)
