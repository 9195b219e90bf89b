"""What the pages of a module show. They fetch and authorise here and nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from courses.learning.records import Record, record_of
from courses.library.selectors import Course, course_of, courses_of
from courses.models import Lesson, Module, Question
from events.selectors import list_module_events
from kit.found import or_404


def found_course(request: HttpRequest, slug: str) -> Course:
    """A module as its reader stands in it. Everybody may read; 404 when there is none of this name."""
    with or_404(Module.DoesNotExist):
        return course_of(slug, record_of(request))


def found_lesson(course: Course, slug: str) -> Lesson:
    with or_404(Lesson.DoesNotExist):
        return course.lesson(slug)


def found_question(course: Course, slug: str) -> Question:
    for question in course.questions:
        if question.slug == slug:
            return question
    raise Http404


@dataclass(frozen=True)
class Option:
    """One option of a question. It is explained once the question has been answered."""

    id: str
    html: str
    explanation: str
    is_right: bool
    is_chosen: bool


@dataclass(frozen=True)
class QuestionShown:
    question: Question
    number: int
    options: list[Option]
    is_answered: bool
    is_shared: bool
    is_missed: bool

    @property
    def chosen(self) -> Option | None:
        return next((option for option in self.options if option.is_chosen), None)


def questions_shown(course: Course, *, missed: str = "") -> list[QuestionShown]:
    """The quiz as its reader stands in it. `missed` names a question that was sent without a choice.

    An answer to an option that has since been rewritten still counts as given; it is shown with none chosen.
    """
    return [
        QuestionShown(
            question=question,
            number=number,
            options=[
                Option(**option, is_chosen=course.done.answers.get(question.slug) == option["id"])
                for option in question.options
            ],
            is_answered=question.slug in course.done.answers,
            is_shared=question.slug in course.done.shared,
            is_missed=question.slug == missed,
        )
        for number, question in enumerate(course.questions, 1)
    ]


def step_page(course: Course, slug: str) -> dict[str, Any]:
    """What every step's page shows of the module around it."""
    steps = list(course.progress.steps)
    at = [step.slug for step in steps].index(slug)
    return {
        "course": course,
        "module": course.module,
        "step": steps[at],
        "place": at + 1,
        "before": steps[at - 1] if at else None,
        "after": steps[at + 1] if at + 1 < len(steps) else None,
    }


def sections_of(course: Course, lesson: Lesson) -> list[dict[str, Any]]:
    return with_sources(lesson.sections, course.module.sources)


def with_sources(sections: list[dict[str, Any]], sources: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The sections of a lesson or a briefing, each fact of them with its source."""
    known = {source["id"]: source for source in sources}
    return [
        section | {"blocks": [_with_source(block, known) for block in section["blocks"]]}
        for section in sections
    ]


def _with_source(block: dict[str, Any], sources: dict[str, dict[str, str]]) -> dict[str, Any]:
    return block | {"source": sources[block["source"]]} if "source" in block else block


def module_page(course: Course) -> dict[str, Any]:
    return {
        "course": course,
        "module": course.module,
        "events": list_module_events(course.module.slug),
    }


@dataclass(frozen=True)
class Talk:
    """What a finished module offers: a way to begin for each age, where more of them stand, and what is next."""

    openings: list[tuple[str, str]]
    more_url: str
    next_module: Module | None


def next_talk(course: Course, record: Record) -> Talk | None:
    """None while there is still something to do in the module."""
    if not course.progress.is_whole:
        return None
    courses = courses_of(record)
    at = [one.module.slug for one in courses].index(course.module.slug)
    ahead = (one.module for one in [*courses[at + 1 :], *courses[:at]] if not one.progress.is_whole)
    openings, more_url = [], ""
    for lesson in course.lessons:
        for section in lesson.sections:
            for block in section["blocks"]:
                if block["kind"] == "starters":
                    openings.append((block["ages"], block["lines"][0]))
                    lesson_url = reverse("courses:lesson", args=[course.module.slug, lesson.slug])
                    more_url = more_url or f"{lesson_url}#{section['anchor']}"
    return Talk(openings, more_url, next(ahead, None))


def sheet_page(course: Course) -> dict[str, Any]:
    """The module on paper: what belongs on a fridge door, without the lessons around it."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for block in _blocks(course):
        kinds.setdefault(block["kind"], []).append(block)
    return {"course": course, "module": course.module, "kinds": kinds}


def _blocks(course: Course) -> Iterator[dict[str, Any]]:
    for lesson in course.lessons:
        for section in lesson.sections:
            yield from section["blocks"]
