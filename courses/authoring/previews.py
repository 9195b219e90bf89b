"""A content file as readers would see it, as it stands on disk or as somebody types it. Nothing is written anywhere.

It is read by what loads it, so a error is named here as `load_content` would name it.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from courses.authoring.blocks import Block
from courses.authoring.briefings import FOLDER as BRIEFINGS
from courses.authoring.briefings import parse_briefing
from courses.authoring.modules import (
    list_lesson_paths,
    list_named_sources,
    parse_lesson,
    parse_lesson_file_name,
    parse_module,
    parse_quiz,
    read_module,
)
from courses.authoring.source import ContentFile, parse_content_file, read_content_file
from courses.authoring.translations import Names, collect_names, find_differences
from courses.library.pages import ShownOption, ShownQuestion, add_sources
from courses.models import QuizQuestion
from kit.authored import FileError, FileErrors, InvalidFile

# Characters: several times the longest file there is. Whoever types is answered while they wait.
MAX_CHARACTERS = 30_000
# Of a broken line, so many are told.
MAX_QUOTED_CHARACTERS = 300


class NoSuchFile(Exception):
    """There is no content file of this name."""


@dataclass(frozen=True)
class QuotedError:
    """A error, with the words that stand on its line."""

    error: FileError
    words: str


@dataclass(frozen=True)
class ContentPreview:
    """A file and what its page shows, or its errors. `differences` are a translation's from its original."""

    file: str
    text: str
    saved_at: datetime
    is_typed: bool
    page: dict[str, Any] = field(default_factory=dict)
    errors: list[QuotedError] = field(default_factory=list)
    differences: list[FileError] = field(default_factory=list)

    @property
    def language(self) -> str:
        return self.file.partition("/")[0]


def list_content_files(*, root: Path) -> dict[str, list[str]]:
    """The names of all content files, by their folder below `root`."""
    found: dict[str, list[str]] = {}
    for path in _files(root, "*/*/*.md"):
        found.setdefault(path.parent.relative_to(root).as_posix(), []).append(path.name)
    return found


def build_preview(file: str, *, typed: str | None = None, root: Path) -> ContentPreview:
    """`folder/name` of list_content_files as it would be shown, with what was typed in its place. Raises NoSuchFile."""
    path = _path_of(file, root)
    try:
        saved = path.read_text(encoding="utf-8", errors="replace")
        text = saved if typed is None else typed.replace("\r\n", "\n")
        preview = ContentPreview(
            file, text, datetime.fromtimestamp(path.stat().st_mtime, UTC), is_typed=text != saved
        )
        return _shown(preview, root)
    except FileNotFoundError as error:
        raise NoSuchFile(file) from error


def compute_version(file: str, *, root: Path) -> str:
    """Changes whenever this file is saved, or another that it is read with. Raises NoSuchFile."""
    folder = _path_of(file, root).parent
    read = [path for one in (folder, _original_of(folder, root)) for path in _files(one, "*.md")]
    try:
        saved = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in read]
    except FileNotFoundError as error:
        raise NoSuchFile(file) from error
    return hashlib.sha256(repr(saved).encode()).hexdigest()[:16]


def _files(folder: Path, pattern: str) -> list[Path]:
    """Without what editors leave beside a file while it is open."""
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))


def _path_of(file: str, root: Path) -> Path:
    """Only what is listed is read, so that no name leads out of the folder."""
    folder, _, name = file.rpartition("/")
    if name not in list_content_files(root=root).get(folder, ()):
        raise NoSuchFile(file)
    return root / file


def _shown(preview: ContentPreview, root: Path) -> ContentPreview:
    try:
        source = _typed(preview) if preview.is_typed else read_content_file(root / preview.file, root=root)
        page, names = _page(source, root)
    except InvalidFile as broken:
        texts = {preview.file: preview.text}
        return replace(preview, errors=[_told(error, texts, root) for error in broken.errors])
    return replace(preview, page=page, differences=_differences(preview.file, names, root))


def _typed(preview: ContentPreview) -> ContentFile:
    if len(preview.text) > MAX_CHARACTERS:
        hint = f"Keep it below {MAX_CHARACTERS} characters."
        raise InvalidFile(FileError(preview.file, 1, "This is too long to be shown.", hint))
    return parse_content_file(preview.text, file=preview.file)


def _told(error: FileError, texts: dict[str, str], root: Path) -> QuotedError:
    if error.file not in texts:
        path = root / error.file
        texts[error.file] = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = texts[error.file].split("\n")
    return QuotedError(
        error, lines[error.line - 1].strip()[:MAX_QUOTED_CHARACTERS] if error.line <= len(lines) else ""
    )


def _page(source: ContentFile, root: Path) -> tuple[dict[str, Any], Names]:
    """What the file's page shows, and the names in it that a translation shares with its original."""
    _language, folder, name = source.file.split("/")
    if folder == BRIEFINGS:
        briefing = parse_briefing(source)
        return {"briefing": briefing, "sections": add_sources(briefing.sections, briefing.sources)}, {}
    if name == "module.md":
        return {"module": parse_module(source)}, {"lessons": _slugs(source, root)}
    if name == "quiz.md":
        questions = parse_quiz(source)
        return {"questions": _questions(questions)}, collect_names(questions=questions)
    return _lesson(source, root)


def _lesson(source: ContentFile, root: Path) -> tuple[dict[str, Any], Names]:
    module = (root / source.file).parent / "module.md"
    sources = list_named_sources(read_content_file(module, root=root)) if module.is_file() else {}
    lesson = parse_lesson(source, known_sources=sources)
    sections = add_sources([section.shown() for section in lesson.sections], list(sources.values()))
    return {"lesson": lesson, "sections": sections}, collect_names(lessons=[lesson]) | {
        "lessons": _slugs(source, root)
    }


def _slugs(source: ContentFile, root: Path) -> list[str]:
    """The lessons of the module that this file is of."""
    paths = list_lesson_paths((root / source.file).parent, root, FileErrors())
    return [parse_lesson_file_name(path.name)[1] for path in paths]


def _questions(questions: list[Block]) -> list[ShownQuestion]:
    """Each question as whoever has answered it sees it, with no option chosen."""
    return [
        ShownQuestion(
            question=QuizQuestion(slug=question["slug"], html=question["html"]),
            number=number,
            options=[ShownOption(**option, is_chosen=False) for option in question["options"]],
            is_answered=True,
            is_shared=False,
            is_unanswered=False,
        )
        for number, question in enumerate(questions, 1)
    ]


def _original_of(folder: Path, root: Path) -> Path:
    return root / settings.LANGUAGE_CODE / folder.name


def _differences(file: str, names: Names, root: Path) -> list[FileError]:
    folder = (root / file).parent
    original = _original_of(folder, root)
    if folder == original or not (original / "module.md").is_file():
        return []
    try:
        return find_differences(names, read_module(original, root=root), file=file)
    except InvalidFile as broken:
        return list(broken.errors)
