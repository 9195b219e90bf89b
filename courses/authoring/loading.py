"""Loads the library from disk into the database."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from courses.authoring.briefings import BriefingText, read_briefings
from courses.authoring.modules import LessonText, ModuleText, read_library
from courses.authoring.sections import Section
from courses.authoring.source import CONTENT_ROOT
from courses.authoring.translations import align_with_originals
from courses.learning.changes import keep_finished, rename_work
from courses.markdown import extract_text
from courses.models import Briefing, Lesson, Module, Passage, Phrase, QuizQuestion
from courses.retrieval.index import index_passages
from courses.retrieval.wording import get_wording
from kit.authored import FileErrors


@dataclass(frozen=True)
class LoadCounts:
    modules: int
    lessons: int
    questions: int
    passages: int
    briefings: int


@transaction.atomic
def load_library(*, root: Path = CONTENT_ROOT) -> LoadCounts:
    """Make the database hold exactly the modules and briefings below `root`. Loading twice changes nothing.

    All files are read and checked first: raises kit.authored.InvalidFile, with every error, before anything is changed.
    What people have done stays: their rows refer to modules, lessons and questions by slug, not by foreign key.
    """
    modules, briefings = _read_files(root)
    rename_work(modules)
    keep_finished(modules)
    Module.objects.all().delete()
    Briefing.objects.all().delete()
    _create_modules(modules)
    Briefing.objects.bulk_create(Briefing(**vars(text)) for text in briefings)
    index_passages()
    return LoadCounts(
        modules=len(modules),
        lessons=sum(len(module.lessons) for module in modules),
        questions=sum(len(module.questions) for module in modules),
        passages=Passage.objects.count(),
        briefings=len(briefings),
    )


def _read_files(root: Path) -> tuple[list[ModuleText], list[BriefingText]]:
    errors = FileErrors()
    modules = errors.collect(partial(_read_modules, root), [])
    briefings = errors.collect(partial(read_briefings, root), [])
    errors.raise_any()
    return modules, briefings


def _read_modules(root: Path) -> list[ModuleText]:
    return align_with_originals(read_library(root), first=settings.LANGUAGE_CODE)


def _create_modules(texts: list[ModuleText]) -> None:
    """Create the rows with one statement per table: the library has about a thousand rows."""
    modules = Module.objects.bulk_create(map(_build_module, texts))
    pairs = list(zip(modules, texts, strict=True))
    QuizQuestion.objects.bulk_create(
        QuizQuestion(
            module=module,
            slug=question["slug"],
            order=order,
            html=question["html"],
            options=question["options"],
        )
        for module, text in pairs
        for order, question in enumerate(text.questions, 1)
    )
    lessons = Lesson.objects.bulk_create(
        _build_lesson(module, lesson, order)
        for module, text in pairs
        for order, lesson in enumerate(text.lessons, 1)
    )
    sections = [
        (lesson, section)
        for lesson, text in zip(lessons, (each for text in texts for each in text.lessons), strict=True)
        for section in text.sections
        if section.text
    ]
    passages = Passage.objects.bulk_create(_build_passage(lesson, section) for lesson, section in sections)
    # Reword phrases as search rewords questions, so that the two can match.
    Phrase.objects.bulk_create(
        Phrase(passage=passage, text=" ".join(get_wording(passage.language).simplify_words(phrase)))
        for passage, (_, section) in zip(passages, sections, strict=True)
        for phrase in section.phrases
    )


def _build_module(text: ModuleText) -> Module:
    return Module(
        language=text.language,
        slug=text.slug,
        title=text.title,
        order=text.order,
        minutes=text.minutes,
        summary=text.summary,
        reviewed=text.reviewed,
        intro=text.intro,
        outcomes=text.outcomes,
        sources=text.sources,
        quiz_minutes=text.quiz_minutes,
        was=text.was,
    )


def _build_lesson(module: Module, text: LessonText, order: int) -> Lesson:
    return Lesson(
        module=module,
        slug=text.slug,
        order=order,
        title=text.title,
        minutes=text.minutes,
        sections=[section.as_json() for section in text.sections],
        was=text.was,
    )


def _build_passage(lesson: Lesson, section: Section) -> Passage:
    return Passage(
        lesson=lesson,
        language=lesson.module.language,
        key=f"{lesson.module.slug}/{lesson.slug}" + (f"#{section.anchor}" if section.anchor else ""),
        title=extract_text(section.title) or lesson.title,
        text=section.text,
        extra_search_words=section.extra_search_words.strip(),
    )
