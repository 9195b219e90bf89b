"""A content file as its author wrote it: front matter between `+++` lines, then Markdown."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kit.authored import FileError, InvalidFile, TomlText, parse_toml, read_text

if TYPE_CHECKING:
    from kit.schemas import Table

CONTENT_ROOT = Path(__file__).parents[1] / "content"
FRONT_MARK = "+++"


@dataclass(frozen=True)
class ContentFile:
    """One file, split into its two parts. `body_line` is the line on which its Markdown begins."""

    file: str
    front: TomlText
    body: str
    body_line: int

    def build_error(self, line: int, what: str, hint: str) -> InvalidFile:
        return InvalidFile(FileError(self.file, line, what, hint))

    def read_front[M: "Table"](self, model: type[M]) -> M:
        """Return the front matter as a model. Raises InvalidFile with every error in it."""
        from kit.schemas import validate  # noqa: PLC0415 - it imports pydantic

        return validate(model, self.front)


def read_content_file(path: Path, *, root: Path) -> ContentFile:
    """Read a file below `root`. Raises InvalidFile as parse_content_file does, or if the file is not UTF-8."""
    file = path.relative_to(root).as_posix()
    return parse_content_file(read_text(path, file=file), file=file)


def parse_content_file(text: str, *, file: str) -> ContentFile:
    """Parse the text of a content file.

    Raises InvalidFile if the front matter is missing, is not closed or is not TOML.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != FRONT_MARK:
        hint = f"Begin the file with a line {FRONT_MARK}, then title = …, then {FRONT_MARK} again."
        raise InvalidFile(FileError(file, 1, "The front matter is missing.", hint))
    closing = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FRONT_MARK), None)
    if closing is None:
        hint = f"Write a line {FRONT_MARK} below its last entry."
        raise InvalidFile(FileError(file, 1, "The front matter never ends.", hint))
    front = parse_toml("\n".join(lines[1:closing]), file=file, first_line=2)
    return ContentFile(file, front, "\n".join(lines[closing + 1 :]), closing + 2)
