"""A content file as readers would see it, as it stands on disk or as somebody types it. Nothing is written anywhere.

It is read by what loads it, so a fault is named here as `load_content` would name it.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from courses.authoring.blocks import Block
from courses.authoring.briefings import FOLDER as BRIEFINGS
from courses.authoring.briefings import briefing_parse
from courses.authoring.modules import (
    lesson_parse,
    lesson_paths,
    lesson_place,
    module_parse,
    module_read,
    quiz_parse,
    sources_named,
)
from courses.authoring.source import ContentBroken, Fault, Faults, Source, source_parse, source_read
from courses.authoring.translations import Names, differences, names_of
from courses.library.pages import Option, QuestionShown, with_sources
from courses.models import Question

# Characters: several times the longest file there is. Whoever types is answered while they wait.
LONGEST = 30_000
# Of a broken line, so many are told.
WORDS = 300


class NoSuchFile(Exception):
    """There is no content file of this name."""


@dataclass(frozen=True)
class Told:
    """A fault, with the words that stand on its line."""

    fault: Fault
    words: str


@dataclass(frozen=True)
class Draft:
    """A file and what its page shows, or its faults. `differences` are a translation's from its original."""

    file: str
    text: str
    saved_at: datetime
    is_typed: bool
    page: dict[str, Any] = field(default_factory=dict)
    faults: list[Told] = field(default_factory=list)
    differences: list[Fault] = field(default_factory=list)

    @property
    def language(self) -> str:
        return self.file.partition("/")[0]


def draft_files(*, root: Path) -> dict[str, list[str]]:
    """The names of all content files, by their folder below `root`."""
    found: dict[str, list[str]] = {}
    for path in _files(root, "*/*/*.md"):
        found.setdefault(path.parent.relative_to(root).as_posix(), []).append(path.name)
    return found


def draft_read(file: str, *, typed: str | None = None, root: Path) -> Draft:
    """`folder/name` of draft_files as it would be shown, with what was typed in its place. Raises NoSuchFile."""
    path = _path_of(file, root)
    try:
        saved = path.read_text(encoding="utf-8", errors="replace")
        text = saved if typed is None else typed.replace("\r\n", "\n")
        draft = Draft(file, text, datetime.fromtimestamp(path.stat().st_mtime, UTC), is_typed=text != saved)
        return _shown(draft, root)
    except FileNotFoundError as fault:
        raise NoSuchFile(file) from fault


def draft_mark(file: str, *, root: Path) -> str:
    """Changes whenever this file is saved, or another that it is read with. Raises NoSuchFile."""
    folder = _path_of(file, root).parent
    read = [path for one in (folder, _original_of(folder, root)) for path in _files(one, "*.md")]
    try:
        saved = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in read]
    except FileNotFoundError as fault:
        raise NoSuchFile(file) from fault
    return hashlib.sha256(repr(saved).encode()).hexdigest()[:16]


def _files(folder: Path, pattern: str) -> list[Path]:
    """Without what editors leave beside a file while it is open."""
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))


def _path_of(file: str, root: Path) -> Path:
    """Only what is listed is read, so that no name leads out of the folder."""
    folder, _, name = file.rpartition("/")
    if name not in draft_files(root=root).get(folder, ()):
        raise NoSuchFile(file)
    return root / file


def _shown(draft: Draft, root: Path) -> Draft:
    try:
        source = _typed(draft) if draft.is_typed else source_read(root / draft.file, root=root)
        page, names = _page(source, root)
    except ContentBroken as broken:
        texts = {draft.file: draft.text}
        return replace(draft, faults=[_told(fault, texts, root) for fault in broken.faults])
    return replace(draft, page=page, differences=_differences(draft.file, names, root))


def _typed(draft: Draft) -> Source:
    if len(draft.text) > LONGEST:
        mend = f"Keep it below {LONGEST} characters."
        raise ContentBroken(Fault(draft.file, 1, "This is too long to be shown.", mend))
    return source_parse(draft.text, file=draft.file)


def _told(fault: Fault, texts: dict[str, str], root: Path) -> Told:
    if fault.file not in texts:
        path = root / fault.file
        texts[fault.file] = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = texts[fault.file].split("\n")
    return Told(fault, lines[fault.line - 1].strip()[:WORDS] if fault.line <= len(lines) else "")


def _page(source: Source, root: Path) -> tuple[dict[str, Any], Names]:
    """What the file's page shows, and the names in it that a translation shares with its original."""
    _language, folder, name = source.file.split("/")
    if folder == BRIEFINGS:
        briefing = briefing_parse(source)
        return {"briefing": briefing, "sections": with_sources(briefing.sections, briefing.sources)}, {}
    if name == "module.md":
        return {"module": module_parse(source)}, {"lessons": _slugs(source, root)}
    if name == "quiz.md":
        questions = quiz_parse(source)
        return {"questions": _questions(questions)}, names_of(questions=questions)
    return _lesson(source, root)


def _lesson(source: Source, root: Path) -> tuple[dict[str, Any], Names]:
    module = (root / source.file).parent / "module.md"
    sources = sources_named(source_read(module, root=root)) if module.is_file() else {}
    lesson = lesson_parse(source, known_sources=sources)
    sections = with_sources([section.shown() for section in lesson.sections], list(sources.values()))
    return {"lesson": lesson, "sections": sections}, names_of(lessons=[lesson]) | {
        "lessons": _slugs(source, root)
    }


def _slugs(source: Source, root: Path) -> list[str]:
    """The lessons of the module that this file is of."""
    paths = lesson_paths((root / source.file).parent, root, Faults())
    return [lesson_place(path.name)[1] for path in paths]


def _questions(questions: list[Block]) -> list[QuestionShown]:
    """Each question as whoever has answered it sees it, with no option chosen."""
    return [
        QuestionShown(
            question=Question(slug=question["slug"], html=question["html"]),
            number=number,
            options=[Option(**option, is_chosen=False) for option in question["options"]],
            is_answered=True,
            is_shared=False,
            is_missed=False,
        )
        for number, question in enumerate(questions, 1)
    ]


def _original_of(folder: Path, root: Path) -> Path:
    return root / settings.LANGUAGE_CODE / folder.name


def _differences(file: str, names: Names, root: Path) -> list[Fault]:
    folder = (root / file).parent
    original = _original_of(folder, root)
    if folder == original or not (original / "module.md").is_file():
        return []
    try:
        return differences(names, module_read(original, root=root), file=file)
    except ContentBroken as broken:
        return list(broken.faults)
