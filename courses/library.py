"""The library on disk: `content/<language>/<module>/` as modules, read and checked as a whole.

A module's folder holds `module.md`, its lessons as `1-slug.md`, `2-slug.md` …, and `quiz.md`.
"""

import re
from collections.abc import Container
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from markdown_it.token import Token

from courses.blocks import SLUG, Block, question_read
from courses.markdown import html_of, tokens_of
from courses.sections import Section, fence_of, sections_read
from courses.source import ContentBroken, Fault, Faults, Source, source_read

CONTENT = Path(__file__).parent / "content"
LESSON_FILE = re.compile(r"(\d+)-([a-z0-9]+(?:-[a-z0-9]+)*)\.md")
# A module's other pages have these addresses.
PAGES = {"quiz", "print", "certificate", "together"}
QUESTIONS = 5
OUTCOMES = 3
SOURCE_KEYS = ("id", "title", "by", "date", "url")
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
    sources = faults.of(partial(tables_of, source, "sources", SOURCE_KEYS), [])
    # As written, so that one broken source is not told again by every lesson that cites it.
    known = {one.get("id") for one in source.front.get("sources", []) if isinstance(one, dict)}
    lessons = [
        faults.of(partial(_lesson, path, root, known), None) for path in _lesson_paths(folder, root, faults)
    ]
    module = ModuleText(
        language=folder.parent.name,
        slug=folder.name,
        title=faults.of(partial(source.get, "title", str), ""),
        order=faults.of(partial(source.number, "order"), 0),
        minutes=faults.of(partial(source.number, "minutes"), 0),
        summary=faults.of(partial(source.get, "summary", str), ""),
        reviewed=faults.of(partial(source.get, "reviewed", str), ""),
        intro=html_of(source.body),
        outcomes=faults.of(partial(_outcomes, source), []),
        sources=sources,
        lessons=[lesson for lesson in lessons if lesson],
        questions=faults.of(partial(_questions, folder, root), []),
    )
    if not SLUG.fullmatch(module.slug):
        mend = "Use small letters, digits and single dashes."
        faults.found.append(Fault(source.file, 1, f"“{module.slug}” cannot be a folder’s name.", mend))
    if module.slug == "search":
        what = "“search” is the address of the search page."
        faults.found.append(Fault(source.file, 1, what, "Choose another name for this folder."))
    if faults.found:
        raise ContentBroken(*faults.found)
    return module


def _lesson_paths(folder: Path, root: Path, faults: Faults) -> list[Path]:
    """The lessons' files in their order; a file that is none of the module's is a fault, as it would not be seen."""
    numbered = {}
    for path in sorted(folder.glob("*.md")):
        file = path.relative_to(root).as_posix()
        if found := LESSON_FILE.fullmatch(path.name):
            if int(found[1]) in numbered:
                mend = "Give each lesson a number of its own."
                faults.found.append(Fault(file, 1, f"There are two lessons {found[1]}.", mend))
            numbered[int(found[1])] = path
        elif path.name not in {"module.md", "quiz.md"}:
            mend = "Name a lesson by its number and slug: 3-where-bias-comes-from.md."
            faults.found.append(Fault(file, 1, "This file’s name says no place in the module.", mend))
    if not numbered:
        file = (folder / "module.md").relative_to(root).as_posix()
        faults.found.append(Fault(file, 1, "The module has no lesson.", "Write one: 1-what-it-is.md."))
    slugs = [LESSON_FILE.fullmatch(path.name)[2] for path in numbered.values()]  # type: ignore[index]
    for slug in {*PAGES, *(slug for slug in slugs if slugs.count(slug) > 1)} & set(slugs):
        file = folder.relative_to(root).as_posix()
        faults.found.append(Fault(file, 1, f"“{slug}” is taken.", "Choose another slug for this lesson."))
    return [numbered[number] for number in sorted(numbered)]


def _lesson(path: Path, root: Path, known_sources: Container[object]) -> LessonText:
    faults, source = Faults(), source_read(path, root=root)
    lesson = LessonText(
        slug=LESSON_FILE.fullmatch(path.name)[2],  # type: ignore[index]
        title=faults.of(partial(source.get, "title", str), ""),
        minutes=faults.of(partial(source.number, "minutes"), 0),
        sections=faults.of(partial(sections_read, source, known_sources=known_sources), []),
    )
    if faults.found:
        raise ContentBroken(*faults.found)
    return lesson


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


def _question(source: Source, token: Token) -> Block:
    return question_read(fence_of(source, token))


def _questions(folder: Path, root: Path) -> list[Block]:
    path = folder / "quiz.md"
    if not path.exists():
        file = (folder / "module.md").relative_to(root).as_posix()
        raise ContentBroken(Fault(file, 1, "The module has no quiz.", "Write quiz.md beside this file."))
    faults, source = Faults(), source_read(path, root=root)
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
