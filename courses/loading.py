"""Carries the library from disk into the database."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction

from courses.briefings.reading import BriefingText, briefings_read
from courses.index import passages_index
from courses.library import CONTENT, LessonText, ModuleText, library_read
from courses.markdown import plain_of
from courses.models import Briefing, Lesson, Module, Passage, Phrase, Question
from courses.source import ContentBroken, Faults
from courses.translations import originals_followed
from courses.wording import wording_of


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

    Everything is read and checked first: raises courses.source.ContentBroken, with every fault, before
    anything is changed. What people have done is not touched.
    """
    modules, briefings = _read(root)
    Module.objects.all().delete()
    Briefing.objects.all().delete()
    for text in modules:
        _module_make(text)
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


def _module_make(text: ModuleText) -> None:
    module = Module.objects.create(
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
    for order, lesson in enumerate(text.lessons, 1):
        _lesson_make(module, lesson, order)
    Question.objects.bulk_create(
        Question(module=module, slug=asked["slug"], order=order, html=asked["html"], options=asked["options"])
        for order, asked in enumerate(text.questions, 1)
    )


def _lesson_make(module: Module, text: LessonText, order: int) -> None:
    lesson = Lesson.objects.create(
        module=module,
        slug=text.slug,
        order=order,
        title=text.title,
        minutes=text.minutes,
        sections=[section.shown() for section in text.sections],
    )
    wording = wording_of(module.language)
    for section in filter(lambda one: one.text, text.sections):
        passage = Passage.objects.create(
            lesson=lesson,
            language=module.language,
            key=f"{module.slug}/{lesson.slug}" + (f"#{section.anchor}" if section.anchor else ""),
            title=plain_of(section.title) or lesson.title,
            text=section.text,
            asked=section.asked.strip(),
        )
        # As a question is read, so that the two are told in the same words.
        Phrase.objects.bulk_create(
            Phrase(passage=passage, text=" ".join(wording.words_of(phrase))) for phrase in section.phrases
        )
