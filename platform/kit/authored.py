"""Reads files that people write by hand. Reports each error with its line and a hint.

No Django and no pydantic: importing this is cheap. `kit.schemas` checks what a file says.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

type Location = tuple[str | int, ...]
"""Keys and list indexes from the top of a file to one entry: ("rules", 3, "phrases", 0)."""

_TOML_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*)
    |(?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>[\[\]{}=,\n])
    |(?P<bare>[^\s\[\]{}=,"'\#]+)""",
    re.VERBOSE | re.DOTALL,
)
_TOML_HINT = 'Write each entry as key = "text", key = 3 or key = ["one", "two"].'


@dataclass(frozen=True, order=True)
class FileError:
    """What is wrong on a line of a file (the first is 1), and a hint for its author."""

    file: str
    line: int
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what} {self.hint}"


class InvalidFile(ValueError):
    """One or more files cannot be used. `errors` has every error, sorted by file and line."""

    def __init__(self, *errors: FileError) -> None:
        self.errors = tuple(sorted(errors))
        super().__init__("\n".join(map(str, self.errors)))


@dataclass
class FileErrors:
    """Collects the errors of several reads, so that an author sees all of them together."""

    collected: list[FileError] = field(default_factory=list)

    def collect[T, N](self, read: Callable[[], T], default: N) -> T | N:
        """Return what `read` returns. If it raises InvalidFile, keep its errors and return `default`."""
        try:
            return read()
        except InvalidFile as invalid:
            self.collected.extend(invalid.errors)
            return default

    def raise_any(self) -> None:
        """Raise InvalidFile if there is an error."""
        if self.collected:
            raise InvalidFile(*self.collected)


@dataclass(frozen=True)
class TomlText:
    """Parsed TOML. `first_line` is the line of `file` on which `text` begins."""

    file: str
    data: dict[str, Any]
    text: str
    first_line: int = 1

    @cached_property
    def _lines(self) -> dict[Location, int]:
        return _Scanner(self.text).scan()

    def get_line(self, location: Location) -> int:
        """Return the line of an entry. If it is missing, return that of the innermost table around it, or else 1."""
        for length in range(len(location), 0, -1):
            if line := self._lines.get(location[:length]):
                return line + self.first_line - 1
        return 1

    def build_error(self, location: Location, what: str, hint: str) -> FileError:
        return FileError(self.file, self.get_line(location), what, hint)


def read_text(path: Path, *, file: str) -> str:
    """Return the text of a file. Raises InvalidFile, which names it `file`, if it is missing or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"It cannot be read: {error.strerror}."
        raise InvalidFile(FileError(file, 1, what, "Restore the file.")) from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        what = "This is not UTF-8 text."
        raise InvalidFile(FileError(file, line, what, "Save the file as UTF-8.")) from error


def read_toml(path: Path) -> TomlText:
    """Read a TOML file. Raises InvalidFile if it cannot be read or is not TOML."""
    return parse_toml(read_text(path, file=path.name), file=path.name)


def parse_toml(text: str, *, file: str, first_line: int = 1) -> TomlText:
    """Parse TOML that begins on `first_line` of a file. Raises InvalidFile if it is not TOML."""
    try:
        return TomlText(file, tomllib.loads(text), text, first_line)
    # tomllib raises ValueError, also for numbers with thousands of digits, and RecursionError for deep nesting.
    except (ValueError, RecursionError) as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        what = f"This is not TOML: {error}."
        raise InvalidFile(FileError(file, line + first_line - 1, what, _TOML_HINT)) from error


class _Scanner:
    """Finds the line of every key, table and list item. The text must be valid TOML."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_split_tokens(text))
        self._next = 0
        self._lines: dict[Location, int] = {}
        self._table_counts: dict[Location, int] = {}

    def scan(self) -> dict[Location, int]:
        table: Location = ()
        while self._next < len(self._tokens):
            if self._peek() == "\n":
                self._take()
            elif self._peek() == "[":
                table = self._read_header()
            else:
                self._read_entry(table)
        return self._lines

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else "\n"

    def _take(self) -> None:
        self._next += 1

    def _mark(self, location: Location) -> None:
        self._lines.setdefault(location, self._tokens[min(self._next, len(self._tokens) - 1)][1])

    def _read_header(self) -> Location:
        start = self._next
        self._take()
        is_list = self._peek() == "["
        if is_list:
            self._take()
        location: Location = ()
        for part in self._read_key(until="]"):
            # A table below a list of tables belongs to the last of them.
            count = self._table_counts.get(location)
            location = (*location, part) if count is None else (*location, count - 1, part)
        after, self._next = self._next, start
        self._mark(location)
        if is_list:
            count = self._table_counts.get(location, 0)
            self._table_counts[location] = count + 1
            location = (*location, count)
            self._mark(location)
        self._next = after + (2 if is_list else 1)
        return location

    def _read_key(self, *, until: str) -> list[str]:
        parts: list[str] = []
        while (token := self._peek()) != until:
            quote = token[0] in "\"'"
            parts += [token[1:-1]] if quote else filter(None, token.split("."))
            self._take()
        return parts

    def _read_entry(self, table: Location) -> None:
        start = self._next
        key = self._read_key(until="=")
        after, self._next = self._next, start
        for length in range(1, len(key) + 1):
            self._mark((*table, *key[:length]))
        self._next = after + 1
        self._read_value((*table, *key))

    def _read_value(self, location: Location) -> None:
        self._mark(location)
        opening = self._peek()
        if opening not in {"[", "{"}:
            while self._peek() not in {",", "]", "}", "\n"}:
                self._take()
            return
        self._take()
        count = 0
        while (token := self._peek()) not in {"]", "}"}:
            if token in {",", "\n"}:
                self._take()
            elif opening == "{":
                self._read_entry(location)
            else:
                self._read_value((*location, count))
                count += 1
        self._take()


def _split_tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield each token with its line."""
    line = 1
    for match in _TOML_TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield match[0], line
        line += match[0].count("\n")
