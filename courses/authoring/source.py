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
MAX_LINE_LENGTH = 200
TYPE_NAMES = {str: "a text", int: "a whole number", list: "a list", dict: "a table"}


@dataclass(frozen=True, order=True)
class ContentError:
    """What is wrong at a line of a file (the first is 1), and how its author mends it."""

    file: str
    line: int
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what} {self.hint}"


class InvalidContent(Exception):
    """Content cannot be loaded. Each of `errors` names its file, its line and its hint."""

    def __init__(self, *errors: ContentError) -> None:
        self.errors = tuple(sorted(errors))
        super().__init__("\n".join(map(str, self.errors)))


@dataclass
class ContentErrors:
    """Gathers the errors of many readings, so that an author sees all of them at once."""

    found: list[ContentError] = field(default_factory=list)

    def of[T, N](self, read: Callable[[], T], otherwise: N) -> T | N:
        try:
            return read()
        except InvalidContent as broken:
            self.found.extend(broken.errors)
            return otherwise


@dataclass(frozen=True)
class ContentFile:
    """One file, taken apart. `body_line` is the line on which its Markdown begins."""

    file: str
    front: dict[str, Any]
    front_text: str
    body: str
    body_line: int

    def error(self, line: int, what: str, hint: str) -> InvalidContent:
        return InvalidContent(ContentError(self.file, line, what, hint))

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
            raise self.error(1, f"“{key}” is missing.", f"Give it between the {FRONT_MARK} lines: {key} = …")
        if not isinstance(found, kind) or isinstance(found, bool) or found in ("", [], {}):
            hint = f"Make it {TYPE_NAMES.get(kind, kind.__name__)} that is not empty."
            raise self.error(
                self.line_of(key), f"“{key}” is not {TYPE_NAMES.get(kind, kind.__name__)}.", hint
            )
        return found

    def line(self, key: str, *, most: int = MAX_LINE_LENGTH) -> str:
        """The front matter's `key`, a text of at most so many characters."""
        found = self.get(key, str)
        if len(found) > most:
            what = f"“{key}” is {len(found)} characters long."
            raise self.error(self.line_of(key), what, f"Say it in {most} at most.")
        return found

    def number(self, key: str, *, least: int = 1, most: int = 600) -> int:
        found = self.get(key, int)
        if not least <= found <= most:
            raise self.error(
                self.line_of(key), f"“{key}” is {found}.", f"Choose a number from {least} to {most}."
            )
        return found


def read_content_file(path: Path, *, root: Path) -> ContentFile:
    """Take one file apart. Raises ContentBroken when it is not UTF-8 or its front matter is not TOML."""
    file = path.relative_to(root).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InvalidContent(
            ContentError(file, line, "This is not UTF-8 text.", "Save the file as UTF-8.")
        ) from error
    return parse_content_file(text, file=file)


def parse_content_file(text: str, *, file: str) -> ContentFile:
    """As read_content_file, for text that is there already."""
    lines = text.split("\n")
    if lines[0].rstrip() != FRONT_MARK:
        hint = f"Begin the file with a line {FRONT_MARK}, then title = …, then {FRONT_MARK} again."
        raise InvalidContent(ContentError(file, 1, "The front matter is missing.", hint))
    closing = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FRONT_MARK), None)
    if closing is None:
        hint = f"Write a line {FRONT_MARK} below its last entry."
        raise InvalidContent(ContentError(file, 1, "The front matter never ends.", hint))
    front_text = "\n".join(lines[1:closing])
    try:
        front = tomllib.loads(front_text)
    # What is nested too deep, and a number of thousands of digits, are none of the library's own errors.
    except (ValueError, RecursionError) as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) + 1 if at else closing
        hint = 'Write each entry as key = "text", key = 3 or key = ["one", "two"].'
        raise InvalidContent(
            ContentError(file, line, f"The front matter is not TOML: {error}.", hint)
        ) from error
    return ContentFile(file, front, front_text, "\n".join(lines[closing + 1 :]), closing + 2)
