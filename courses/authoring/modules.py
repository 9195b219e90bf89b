"""The modules on disk, in `content/<language>/<module>/`, read and checked as a whole.

A module's folder holds `module.md`, its lessons as `1-slug.md`, `2-slug.md` …, and `quiz.md`.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from courses.authoring.blocks import SLUG, Block, parse_question
from courses.authoring.sections import Section, parse_fence, parse_sections
from courses.authoring.source import CONTENT_ROOT, ContentFile, read_content_file
from courses.markdown import parse_tokens, render_html
from kit.authored import FileError, FileErrors, InvalidFile

if TYPE_CHECKING:
    from markdown_it.token import Token

LESSON_FILE = re.compile(r"([1-9]\d{0,2})-(?=.{1,80}\.md)([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
# Lessons cannot have these slugs: they are the addresses of a module's other pages.
RESERVED_SLUGS = {"quiz", "print", "certificate", "together"}
MIN_QUESTIONS = 5


@dataclass(frozen=True)
class LessonText:
    slug: str
    title: str
    minutes: int
    sections: list[Section]
    was: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ModuleText:
    """One module in one language, as its author wrote it."""

    language: str
    slug: str
    title: str
    order: int
    minutes: int
    summary: str
    reviewed: str
    intro: str
    outcomes: list[dict[str, str]]
    sources: list[dict[str, str]]
    lessons: list[LessonText]
    quiz_minutes: int
    questions: list[Block]
    was: list[str] = field(default_factory=list)


def read_library(root: Path = CONTENT_ROOT) -> list[ModuleText]:
    """Read every module in every language. Raises InvalidFile with every error of every file."""
    errors = FileErrors()
    folders = sorted(path.parent for path in root.glob("*/*/module.md"))
    modules = [errors.collect(partial(read_module, folder, root=root), None) for folder in folders]
    if not folders:
        errors.collected.append(
            FileError(root.name, 1, "There is no module here.", "Write <language>/<slug>/module.md.")
        )
    errors.raise_any()
    read = [module for module in modules if module]
    errors.collected += _find_module_was_errors(read)
    errors.raise_any()
    return read


def _find_module_was_errors(modules: list[ModuleText]) -> Iterator[FileError]:
    """Yield an error for each earlier slug that would lead to two modules, or to the search page."""
    current = {module.slug for module in modules} | {"search"}
    owners: dict[str, str] = {}
    for module in modules:
        for was in module.was:
            if was in current or owners.setdefault(was, module.slug) != module.slug:
                hint = "In “was”, give only slugs that no module has, and each only once."
                file = f"{module.language}/{module.slug}/module.md"
                yield FileError(file, 1, f"“{was}” leads to two modules.", hint)


def read_module(folder: Path, *, root: Path) -> ModuleText:
    """Read a module from its folder. Raises InvalidFile with every error in it."""
    errors = FileErrors()
    source = read_content_file(folder / "module.md", root=root)
    known = list_named_sources(source)
    lessons = [
        errors.collect(partial(_read_lesson, path, root, known), None)
        for path in list_lesson_paths(folder, root, errors)
    ]
    quiz_minutes, questions = errors.collect(partial(_read_quiz, folder, root), (0, []))
    module = errors.collect(partial(parse_module, source), None)
    if module is None or errors.collected:
        raise InvalidFile(*errors.collected)
    module = replace(
        module,
        lessons=[lesson for lesson in lessons if lesson],
        quiz_minutes=quiz_minutes,
        questions=questions,
    )
    errors.collected += [*_find_minutes_errors(source, module), *_find_was_errors(source, module)]
    errors.raise_any()
    return module


def _find_minutes_errors(source: ContentFile, module: ModuleText) -> Iterator[FileError]:
    parts = sum(lesson.minutes for lesson in module.lessons) + module.quiz_minutes
    if parts != module.minutes:
        what = f"The lessons and the quiz take {parts} minutes, and the module {module.minutes}."
        yield source.front.build_error(
            ("minutes",), what, f"Write minutes = {parts}, or change those of a part."
        )


def _find_was_errors(source: ContentFile, module: ModuleText) -> Iterator[FileError]:
    """Yield an error for each slug of the module or a lesson, now or before, that two of them have."""
    slugs = [*(lesson.slug for lesson in module.lessons), *RESERVED_SLUGS]
    slugs += [was for lesson in module.lessons for was in lesson.was]
    for slug in sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        hint = "In “was”, give only slugs that no lesson has, and each only once."
        yield source.front.build_error(("title",), f"“{slug}” leads to two lessons.", hint)


def parse_module(source: ContentFile) -> ModuleText:
    """Parse module.md alone, without lessons and questions. Raises InvalidFile with every error in it."""
    from courses.authoring.schemas import ModuleFront  # noqa: PLC0415 - it imports pydantic

    errors = FileErrors()
    language, slug, _file = source.file.split("/")
    if not SLUG.fullmatch(slug):
        what = f"“{slug}” cannot be a folder’s name."
        hint = "Use small letters, digits and single dashes."
        errors.collected.append(FileError(source.file, 1, what, hint))
    if slug == "search":
        what = "“search” is the address of the search page."
        errors.collected.append(FileError(source.file, 1, what, "Choose another name for this folder."))
    front = errors.collect(partial(source.read_front, ModuleFront), None)
    if front is None or errors.collected:
        raise InvalidFile(*errors.collected)
    return ModuleText(
        language=language,
        slug=slug,
        title=front.title,
        order=front.order,
        minutes=front.minutes,
        summary=front.summary,
        reviewed=front.reviewed,
        intro=render_html(source.body),
        outcomes=[outcome.model_dump() for outcome in front.outcomes],
        sources=[entry.model_dump(exclude_none=True) for entry in front.sources],
        lessons=[],
        quiz_minutes=0,
        questions=[],
        was=list(front.was),
    )


def list_named_sources(source: ContentFile) -> dict[str, dict[str, Any]]:
    """Return a file's sources by id, unchecked: if a source has an error, lessons that cite it need none too."""
    tables = source.front.data.get("sources")
    entries = [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), str)}


def list_lesson_paths(folder: Path, root: Path, errors: FileErrors) -> list[Path]:
    """Return the files of the lessons in order. Adds an error for any other file, because it would never be shown."""
    numbered: dict[int, Path] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name in {"module.md", "quiz.md"}:
            continue
        file = path.relative_to(root).as_posix()
        number, _slug = errors.collect(partial(parse_lesson_file_name, file), (0, ""))
        if number in numbered:
            hint = "Give each lesson a number of its own."
            errors.collected.append(FileError(file, 1, f"There are two lessons {number}.", hint))
        if number:
            numbered[number] = path
    if not numbered:
        file = (folder / "module.md").relative_to(root).as_posix()
        errors.collected.append(
            FileError(file, 1, "The module has no lesson.", "Write one: 1-what-it-is.md.")
        )
    slugs = [parse_lesson_file_name(path.name)[1] for path in numbered.values()]
    for slug in {*RESERVED_SLUGS, *(slug for slug in slugs if slugs.count(slug) > 1)} & set(slugs):
        file = folder.relative_to(root).as_posix()
        errors.collected.append(
            FileError(file, 1, f"“{slug}” is taken.", "Choose another slug for this lesson.")
        )
    return [numbered[number] for number in sorted(numbered)]


def parse_lesson_file_name(file: str) -> tuple[int, str]:
    """Return a lesson's number, from 1, and its slug. Raises InvalidFile if the file's name has none."""
    match = LESSON_FILE.fullmatch(file.rpartition("/")[2])
    if match is None:
        hint = "Name a lesson by its number and slug: 3-where-bias-comes-from.md."
        raise InvalidFile(FileError(file, 1, "This file’s name has no number and slug.", hint))
    return int(match[1]), match[2]


def _read_lesson(path: Path, root: Path, known_sources: Container[object]) -> LessonText:
    return parse_lesson(read_content_file(path, root=root), known_sources=known_sources)


def parse_lesson(source: ContentFile, *, known_sources: Container[object]) -> LessonText:
    """Parse a lesson. Its slug is in its file's name. Raises InvalidFile with every error in it."""
    from courses.authoring.schemas import LessonFront  # noqa: PLC0415 - it imports pydantic

    errors = FileErrors()
    _number, slug = parse_lesson_file_name(source.file)
    front = errors.collect(partial(source.read_front, LessonFront), None)
    sections = errors.collect(partial(parse_sections, source, known_sources=known_sources), [])
    if front is None or errors.collected:
        raise InvalidFile(*errors.collected)
    return LessonText(slug, front.title, front.minutes, sections, list(front.was))


def _parse_question_token(source: ContentFile, token: "Token") -> Block:
    return parse_question(parse_fence(source, token))


def _read_quiz(folder: Path, root: Path) -> tuple[int, list[Block]]:
    """Return the minutes and the questions of a module's quiz."""
    path = folder / "quiz.md"
    if not path.exists():
        file = (folder / "module.md").relative_to(root).as_posix()
        raise InvalidFile(FileError(file, 1, "The module has no quiz.", "Write quiz.md beside this file."))
    from courses.authoring.schemas import QuizFront  # noqa: PLC0415 - it imports pydantic

    source, errors = read_content_file(path, root=root), FileErrors()
    questions = errors.collect(partial(parse_quiz, source), [])
    front = errors.collect(partial(source.read_front, QuizFront), None)
    if front is None or errors.collected:
        raise InvalidFile(*errors.collected)
    return front.minutes, questions


def parse_quiz(source: ContentFile) -> list[Block]:
    """Parse the questions of a quiz. Raises InvalidFile with every error in it."""
    errors = FileErrors()
    questions: list[Any] = []
    for token in parse_tokens(source.body):
        line = source.body_line + (token.map[0] if token.map else 0)
        if token.type == "colon_fence" and token.info.split()[:1] == ["question"]:
            questions.append(errors.collect(partial(_parse_question_token, source, token), None))
        elif token.level == 0 and token.nesting >= 0:
            hint = "A quiz has only blocks “:::question slug”."
            errors.collected.append(FileError(source.file, line, "This is not a question.", hint))
    slugs = [question["slug"] for question in questions if question]
    for slug in {slug for slug in slugs if slugs.count(slug) > 1}:
        errors.collected.append(
            FileError(source.file, 1, f"“{slug}” names two questions.", "Rename one of them.")
        )
    if len(questions) != MIN_QUESTIONS and not errors.collected:
        hint = f"A quiz has {MIN_QUESTIONS}, one for each thing to remember."
        errors.collected.append(FileError(source.file, 1, f"There are {len(questions)} questions.", hint))
    errors.raise_any()
    return questions
