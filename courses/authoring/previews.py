"""Previews of a content file as readers would see it, from disk or from text in the editor. Nothing is written.

The parsers are those of `load_content`, so both report the same errors.
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

# Several times the length of the longest file. The author waits for the preview, so this keeps it fast.
MAX_CHARACTERS = 30_000
# How many characters of a line with an error are quoted.
MAX_QUOTED_CHARACTERS = 300


class NoSuchFile(Exception):
    """There is no content file of this name."""


@dataclass(frozen=True)
class QuotedError:
    """An error, with the text of its line."""

    error: FileError
    words: str


@dataclass(frozen=True)
class ContentPreview:
    """A file and what its page shows, or its errors. `differences` are those between a translation and its original."""

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
    """Return the names of all content files, by their folder below `root`."""
    files: dict[str, list[str]] = {}
    for path in _list_files(root, "*/*/*.md"):
        files.setdefault(path.parent.relative_to(root).as_posix(), []).append(path.name)
    return files


def build_preview(file: str, *, typed: str | None = None, root: Path) -> ContentPreview:
    """Build the preview of a file that list_content_files lists, from `typed` if given. Raises NoSuchFile."""
    path = _get_path(file, root)
    try:
        saved = path.read_text(encoding="utf-8", errors="replace")
        text = saved if typed is None else typed.replace("\r\n", "\n")
        preview = ContentPreview(
            file, text, datetime.fromtimestamp(path.stat().st_mtime, UTC), is_typed=text != saved
        )
        return _fill_preview(preview, root)
    except FileNotFoundError as error:
        raise NoSuchFile(file) from error


def compute_version(file: str, *, root: Path) -> str:
    """Return a hash that changes when the file, or one that its preview depends on, is saved. Raises NoSuchFile."""
    folder = _get_path(file, root).parent
    paths = [
        path for each in (folder, _get_original_folder(folder, root)) for path in _list_files(each, "*.md")
    ]
    try:
        saved = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
    except FileNotFoundError as error:
        raise NoSuchFile(file) from error
    return hashlib.sha256(repr(saved).encode()).hexdigest()[:16]


def _list_files(folder: Path, pattern: str) -> list[Path]:
    """List files without the hidden ones that editors create next to an open file."""
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))


def _get_path(file: str, root: Path) -> Path:
    """Return the path of a listed file. Only listed files are read, so that no name leads out of the folder."""
    folder, _, name = file.rpartition("/")
    if name not in list_content_files(root=root).get(folder, ()):
        raise NoSuchFile(file)
    return root / file


def _fill_preview(preview: ContentPreview, root: Path) -> ContentPreview:
    try:
        source = (
            _parse_typed_text(preview)
            if preview.is_typed
            else read_content_file(root / preview.file, root=root)
        )
        page, names = _build_page(source, root)
    except InvalidFile as broken:
        texts = {preview.file: preview.text}
        return replace(preview, errors=[_quote_error(error, texts, root) for error in broken.errors])
    return replace(preview, page=page, differences=_list_differences(preview.file, names, root))


def _parse_typed_text(preview: ContentPreview) -> ContentFile:
    if len(preview.text) > MAX_CHARACTERS:
        hint = f"Keep it below {MAX_CHARACTERS} characters."
        raise InvalidFile(FileError(preview.file, 1, "This is too long to be shown.", hint))
    return parse_content_file(preview.text, file=preview.file)


def _quote_error(error: FileError, texts: dict[str, str], root: Path) -> QuotedError:
    if error.file not in texts:
        path = root / error.file
        texts[error.file] = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = texts[error.file].split("\n")
    return QuotedError(
        error, lines[error.line - 1].strip()[:MAX_QUOTED_CHARACTERS] if error.line <= len(lines) else ""
    )


def _build_page(source: ContentFile, root: Path) -> tuple[dict[str, Any], Names]:
    """Return what the file's page shows, and the names in it that a translation shares with its original."""
    _language, folder, name = source.file.split("/")
    if folder == BRIEFINGS:
        briefing = parse_briefing(source)
        return {"briefing": briefing, "sections": add_sources(briefing.sections, briefing.sources)}, {}
    if name == "module.md":
        return {"module": parse_module(source)}, {"lessons": _list_lesson_slugs(source, root)}
    if name == "quiz.md":
        questions = parse_quiz(source)
        return {"questions": _build_questions(questions)}, collect_names(questions=questions)
    return _build_lesson_page(source, root)


def _build_lesson_page(source: ContentFile, root: Path) -> tuple[dict[str, Any], Names]:
    module = (root / source.file).parent / "module.md"
    sources = list_named_sources(read_content_file(module, root=root)) if module.is_file() else {}
    lesson = parse_lesson(source, known_sources=sources)
    sections = add_sources([section.as_json() for section in lesson.sections], list(sources.values()))
    return {"lesson": lesson, "sections": sections}, collect_names(lessons=[lesson]) | {
        "lessons": _list_lesson_slugs(source, root)
    }


def _list_lesson_slugs(source: ContentFile, root: Path) -> list[str]:
    """Return the slugs of the lessons in the file's module."""
    paths = list_lesson_paths((root / source.file).parent, root, FileErrors())
    return [parse_lesson_file_name(path.name)[1] for path in paths]


def _build_questions(questions: list[Block]) -> list[ShownQuestion]:
    """Return each question as it looks once it is answered, with no option chosen."""
    return [
        ShownQuestion(
            question=QuizQuestion(slug=question["slug"], html=question["html"]),
            number=number,
            options=[ShownOption(**option, is_chosen=False) for option in question["options"]],
            is_answered=True,
            is_joint=False,
            is_unanswered=False,
        )
        for number, question in enumerate(questions, 1)
    ]


def _get_original_folder(folder: Path, root: Path) -> Path:
    return root / settings.LANGUAGE_CODE / folder.name


def _list_differences(file: str, names: Names, root: Path) -> list[FileError]:
    folder = (root / file).parent
    original = _get_original_folder(folder, root)
    if folder == original or not (original / "module.md").is_file():
        return []
    try:
        return find_differences(names, read_module(original, root=root), file=file)
    except InvalidFile as broken:
        return list(broken.errors)
