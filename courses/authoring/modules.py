"""The library on disk: `content/<language>/<module>/` as modules, read and checked as a whole.

A module's folder holds `module.md`, its lessons as `1-slug.md`, `2-slug.md` …, and `quiz.md`.
"""

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from courses.authoring.blocks import SLUG, Block, question_read
from courses.authoring.sections import Section, fence_of, sections_read
from courses.authoring.source import CONTENT, ContentBroken, Fault, Faults, Source, source_read
from courses.markdown import html_of, tokens_of

if TYPE_CHECKING:
    from markdown_it.token import Token

LESSON_FILE = re.compile(r"([1-9]\d{0,2})-(?=.{1,80}\.md)([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
# A module's other pages have these addresses.
PAGES = {"quiz", "print", "certificate", "together"}
QUESTIONS = 5
OUTCOMES = 3
SOURCE_KEYS = ("id", "title", "by", "date", "url")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*")
OUTCOME_KEYS = ("say", "ailit", "unesco")


@dataclass(frozen=True)
class LessonText:
    slug: str
    title: str
    minutes: int
    sections: list[Section]


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
    questions: list[Block]


def library_read(root: Path = CONTENT) -> list[ModuleText]:
    """Every module of every language. Raises ContentBroken with every fault of every file."""
    faults = Faults()
    folders = sorted(path.parent for path in root.glob("*/*/module.md"))
    found = [faults.of(partial(module_read, folder, root=root), None) for folder in folders]
    if not folders:
        faults.found.append(
            Fault(root.name, 1, "There is no module here.", "Write <language>/<slug>/module.md.")
        )
    if faults.found:
        raise ContentBroken(*faults.found)
    return [module for module in found if module]


def module_read(folder: Path, *, root: Path) -> ModuleText:
    """One module from its folder. Raises ContentBroken with every fault that it has."""
    faults = Faults()
    source = source_read(folder / "module.md", root=root)
    known = sources_named(source)
    lessons = [
        faults.of(partial(_lesson, path, root, known), None) for path in lesson_paths(folder, root, faults)
    ]
    questions = faults.of(partial(_questions, folder, root), [])
    module = faults.of(partial(module_parse, source), None)
    if module is None or faults.found:
        raise ContentBroken(*faults.found)
    return replace(module, lessons=[lesson for lesson in lessons if lesson], questions=questions)


def module_parse(source: Source) -> ModuleText:
    """What module.md itself says, without lessons and questions. Raises ContentBroken with every fault of it."""
    faults = Faults()
    language, slug, _file = source.file.split("/")
    module = ModuleText(
        language=language,
        slug=slug,
        title=faults.of(partial(source.line, "title"), ""),
        order=faults.of(partial(source.number, "order"), 0),
        minutes=faults.of(partial(source.number, "minutes"), 0),
        summary=faults.of(partial(source.get, "summary", str), ""),
        reviewed=faults.of(partial(source.line, "reviewed", most=60), ""),
        intro=html_of(source.body),
        outcomes=faults.of(partial(_outcomes, source), []),
        sources=faults.of(partial(sources_of, source), []),
        lessons=[],
        questions=[],
    )
    if not SLUG.fullmatch(slug):
        mend = "Use small letters, digits and single dashes."
        faults.found.append(Fault(source.file, 1, f"“{slug}” cannot be a folder’s name.", mend))
    if slug == "search":
        what = "“search” is the address of the search page."
        faults.found.append(Fault(source.file, 1, what, "Choose another name for this folder."))
    if faults.found:
        raise ContentBroken(*faults.found)
    return module


def sources_named(source: Source) -> dict[str, dict[str, Any]]:
    """The sources in some front matter by id, as written: a broken one is not told again by all who cite it."""
    tables = source.front.get("sources")
    found = [one for one in tables if isinstance(one, dict)] if isinstance(tables, list) else []
    return {one["id"]: one for one in found if isinstance(one.get("id"), str)}


def lesson_paths(folder: Path, root: Path, faults: Faults) -> list[Path]:
    """The lessons' files in their order; a file that is none of the module's is a fault, as it would not be seen."""
    numbered: dict[int, Path] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name in {"module.md", "quiz.md"}:
            continue
        file = path.relative_to(root).as_posix()
        number, _slug = faults.of(partial(lesson_place, file), (0, ""))
        if number in numbered:
            mend = "Give each lesson a number of its own."
            faults.found.append(Fault(file, 1, f"There are two lessons {number}.", mend))
        if number:
            numbered[number] = path
    if not numbered:
        file = (folder / "module.md").relative_to(root).as_posix()
        faults.found.append(Fault(file, 1, "The module has no lesson.", "Write one: 1-what-it-is.md."))
    slugs = [lesson_place(path.name)[1] for path in numbered.values()]
    for slug in {*PAGES, *(slug for slug in slugs if slugs.count(slug) > 1)} & set(slugs):
        file = folder.relative_to(root).as_posix()
        faults.found.append(Fault(file, 1, f"“{slug}” is taken.", "Choose another slug for this lesson."))
    return [numbered[number] for number in sorted(numbered)]


def lesson_place(file: str) -> tuple[int, str]:
    """A lesson's number, from 1, and its slug. Raises ContentBroken when the name of its file gives none."""
    found = LESSON_FILE.fullmatch(file.rpartition("/")[2])
    if found is None:
        mend = "Name a lesson by its number and slug: 3-where-bias-comes-from.md."
        raise ContentBroken(Fault(file, 1, "This file’s name says no place in the module.", mend))
    return int(found[1]), found[2]


def _lesson(path: Path, root: Path, known_sources: Container[object]) -> LessonText:
    return lesson_parse(source_read(path, root=root), known_sources=known_sources)


def lesson_parse(source: Source, *, known_sources: Container[object]) -> LessonText:
    """A lesson, whose slug its file's name gives. Raises ContentBroken with every fault that it has."""
    faults = Faults()
    _number, slug = lesson_place(source.file)
    lesson = LessonText(
        slug=slug,
        title=faults.of(partial(source.line, "title"), ""),
        minutes=faults.of(partial(source.number, "minutes"), 0),
        sections=faults.of(partial(sections_read, source, known_sources=known_sources), []),
    )
    if faults.found:
        raise ContentBroken(*faults.found)
    return lesson


def sources_of(source: Source) -> list[dict[str, str]]:
    """The sources, each with the `language` of its title if it names one. Raises ContentBroken."""
    sources = tables_of(source, "sources", SOURCE_KEYS)
    for nth, (found, written) in enumerate(zip(sources, source.front["sources"], strict=True)):
        language = written.get("language")
        if language is not None and not LANGUAGE.fullmatch(str(language)):
            mend = "Give the short name of the language that its title is in: en, es."
            raise source.fault(source.line_of("sources", nth), f"“{language}” is no language.", mend)
        if language is not None:
            found["language"] = language
    return sources


def tables_of(source: Source, key: str, keys: tuple[str, ...]) -> list[dict[str, str]]:
    """The front matter's tables of one name, each with all of `keys`. Raises ContentBroken."""
    tables = source.get(key, list)
    for nth, table in enumerate(tables):
        given = table if isinstance(table, dict) else {}
        missing = [name for name in keys if not isinstance(given.get(name), str)]
        if missing:
            mend = f"Each needs {', '.join(keys)}, as text."
            raise source.fault(source.line_of(key, nth), f"“{missing[0]}” is missing in {key}.", mend)
        if not given.get("url", "https://").startswith("https://"):
            what = f"“{given['url']}” is no https address."
            raise source.fault(source.line_of("url", nth), what, "Give the whole address.")
    return [{name: table[name] for name in keys} for table in tables]


def _outcomes(source: Source) -> list[dict[str, str]]:
    outcomes = tables_of(source, "outcomes", OUTCOME_KEYS)
    if len(outcomes) != OUTCOMES:
        what = f"There are {len(outcomes)} outcomes."
        raise source.fault(
            source.line_of("outcomes"), what, f"A parent can say {OUTCOMES} aloud: give {OUTCOMES}."
        )
    return outcomes


def _question(source: Source, token: "Token") -> Block:
    return question_read(fence_of(source, token))


def _questions(folder: Path, root: Path) -> list[Block]:
    path = folder / "quiz.md"
    if not path.exists():
        file = (folder / "module.md").relative_to(root).as_posix()
        raise ContentBroken(Fault(file, 1, "The module has no quiz.", "Write quiz.md beside this file."))
    return quiz_parse(source_read(path, root=root))


def quiz_parse(source: Source) -> list[Block]:
    """The questions of a quiz. Raises ContentBroken with every fault that it has."""
    faults = Faults()
    questions: list[Any] = []
    for token in tokens_of(source.body):
        line = source.body_line + (token.map[0] if token.map else 0)
        if token.type == "colon_fence" and token.info.split()[:1] == ["question"]:
            questions.append(faults.of(partial(_question, source, token), None))
        elif token.level == 0 and token.nesting >= 0:
            mend = "A quiz holds nothing but blocks “:::question slug”."
            faults.found.append(Fault(source.file, line, "This is not a question.", mend))
    slugs = [question["slug"] for question in questions if question]
    for slug in {slug for slug in slugs if slugs.count(slug) > 1}:
        faults.found.append(Fault(source.file, 1, f"“{slug}” names two questions.", "Rename one of them."))
    if len(questions) != QUESTIONS and not faults.found:
        mend = f"A quiz has {QUESTIONS}, one for each thing worth keeping."
        faults.found.append(Fault(source.file, 1, f"There are {len(questions)} questions.", mend))
    if faults.found:
        raise ContentBroken(*faults.found)
    return questions
