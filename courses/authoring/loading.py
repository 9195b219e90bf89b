"""Carries the library from disk into the database."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from courses.authoring.briefings import BriefingText, briefings_read
from courses.authoring.modules import LessonText, ModuleText, library_read
from courses.authoring.sections import Section
from courses.authoring.source import CONTENT, ContentBroken, Faults
from courses.authoring.translations import originals_followed
from courses.markdown import plain_of
from courses.models import Briefing, Lesson, Module, Passage, Phrase, Question
from courses.retrieval.index import passages_index
from courses.retrieval.wording import wording_of


@dataclass(frozen=True)
class Loaded:
    modules: int
    lessons: int
    questions: int
    passages: int
    briefings: int


@transaction.atomic
def library_load(*, root: Path = CONTENT) -> Loaded:
    """Make the database hold exactly the modules and briefings below `root`. Loading twice changes nothing.

    Everything is read and checked first: raises courses.authoring.source.ContentBroken, with every fault, before
    anything is changed. What people have done is not touched.
    """
    modules, briefings = _read(root)
    Module.objects.all().delete()
    Briefing.objects.all().delete()
    _modules_make(modules)
    Briefing.objects.bulk_create(Briefing(**vars(text)) for text in briefings)
    passages_index()
    return Loaded(
        modules=len(modules),
        lessons=sum(len(module.lessons) for module in modules),
        questions=sum(len(module.questions) for module in modules),
        passages=Passage.objects.count(),
        briefings=len(briefings),
    )


def _read(root: Path) -> tuple[list[ModuleText], list[BriefingText]]:
    faults = Faults()
    modules = faults.of(partial(_modules_read, root), [])
    briefings = faults.of(partial(briefings_read, root), [])
    if faults.found:
        raise ContentBroken(*faults.found)
    return modules, briefings


def _modules_read(root: Path) -> list[ModuleText]:
    return originals_followed(library_read(root), first=settings.LANGUAGE_CODE)


def _modules_make(texts: list[ModuleText]) -> None:
    """One statement for each kind of row, as a library has a thousand of them."""
    modules = Module.objects.bulk_create(map(_module, texts))
    both = list(zip(modules, texts, strict=True))
    Question.objects.bulk_create(
        Question(module=module, slug=asked["slug"], order=order, html=asked["html"], options=asked["options"])
        for module, text in both
        for order, asked in enumerate(text.questions, 1)
    )
    lessons = Lesson.objects.bulk_create(
        _lesson(module, lesson, order)
        for module, text in both
        for order, lesson in enumerate(text.lessons, 1)
    )
    told = [
        (lesson, section)
        for lesson, text in zip(lessons, (one for text in texts for one in text.lessons), strict=True)
        for section in text.sections
        if section.text
    ]
    passages = Passage.objects.bulk_create(_passage(lesson, section) for lesson, section in told)
    # As a question is read, so that the two are told in the same words.
    Phrase.objects.bulk_create(
        Phrase(passage=passage, text=" ".join(wording_of(passage.language).words_of(phrase)))
        for passage, (_, section) in zip(passages, told, strict=True)
        for phrase in section.phrases
    )


def _module(text: ModuleText) -> Module:
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
    )


def _lesson(module: Module, text: LessonText, order: int) -> Lesson:
    return Lesson(
        module=module,
        slug=text.slug,
        order=order,
        title=text.title,
        minutes=text.minutes,
        sections=[section.shown() for section in text.sections],
    )


def _passage(lesson: Lesson, section: Section) -> Passage:
    return Passage(
        lesson=lesson,
        language=lesson.module.language,
        key=f"{lesson.module.slug}/{lesson.slug}" + (f"#{section.anchor}" if section.anchor else ""),
        title=plain_of(section.title) or lesson.title,
        text=section.text,
        asked=section.asked.strip(),
    )
