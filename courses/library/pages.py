"""What the pages of a module show. They fetch and authorise here and nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from courses.learning.records import LearningRecord, get_record
from courses.library.selectors import ReaderModule, get_reader_module, list_reader_modules
from courses.models import Lesson, Module, QuizQuestion
from events.selectors import list_module_events
from kit.not_found import raise_404_on


def get_reader_module_or_404(request: HttpRequest, slug: str) -> ReaderModule:
    """A module as its reader stands in it. Everybody may read; 404 when there is none of this name."""
    with raise_404_on(Module.DoesNotExist):
        return get_reader_module(slug, get_record(request))


def get_lesson_or_404(reader_module: ReaderModule, slug: str) -> Lesson:
    with raise_404_on(Lesson.DoesNotExist):
        return reader_module.lesson(slug)


def get_question_or_404(reader_module: ReaderModule, slug: str) -> QuizQuestion:
    for question in reader_module.questions:
        if question.slug == slug:
            return question
    raise Http404


@dataclass(frozen=True)
class ShownOption:
    """One option of a question. It is explained once the question has been answered."""

    id: str
    html: str
    explanation: str
    is_right: bool
    is_chosen: bool


@dataclass(frozen=True)
class ShownQuestion:
    question: QuizQuestion
    number: int
    options: list[ShownOption]
    is_answered: bool
    is_shared: bool
    is_unanswered: bool

    @property
    def chosen(self) -> ShownOption | None:
        return next((option for option in self.options if option.is_chosen), None)


def build_questions(reader_module: ReaderModule, *, missed: str = "") -> list[ShownQuestion]:
    """The quiz as its reader stands in it. `missed` names a question that was sent without a choice.

    An answer to an option that has since been rewritten still counts as given; it is shown with none chosen.
    """
    return [
        ShownQuestion(
            question=question,
            number=number,
            options=[
                ShownOption(**option, is_chosen=reader_module.done.answers.get(question.slug) == option["id"])
                for option in question.options
            ],
            is_answered=question.slug in reader_module.done.answers,
            is_shared=question.slug in reader_module.done.shared,
            is_unanswered=question.slug == missed,
        )
        for number, question in enumerate(reader_module.questions, 1)
    ]


def build_step_context(reader_module: ReaderModule, slug: str) -> dict[str, Any]:
    """What every step's page shows of the module around it."""
    steps = list(reader_module.progress.steps)
    at = [step.slug for step in steps].index(slug)
    return {
        "reader_module": reader_module,
        "module": reader_module.module,
        "step": steps[at],
        "place": at + 1,
        "before": steps[at - 1] if at else None,
        "after": steps[at + 1] if at + 1 < len(steps) else None,
    }


def build_sections(reader_module: ReaderModule, lesson: Lesson) -> list[dict[str, Any]]:
    return add_sources(lesson.sections, reader_module.module.sources)


def add_sources(sections: list[dict[str, Any]], sources: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The sections of a lesson or a briefing, each fact of them with its source."""
    known = {source["id"]: source for source in sources}
    return [
        section | {"blocks": [_add_source(block, known) for block in section["blocks"]]}
        for section in sections
    ]


def _add_source(block: dict[str, Any], sources: dict[str, dict[str, str]]) -> dict[str, Any]:
    return block | {"source": sources[block["source"]]} if "source" in block else block


def build_module_context(reader_module: ReaderModule) -> dict[str, Any]:
    return {
        "reader_module": reader_module,
        "module": reader_module.module,
        "events": list_module_events(reader_module.module.slug),
    }


@dataclass(frozen=True)
class ConversationGuide:
    """What a finished module offers: a way to begin for each age, where more of them stand, and what is next."""

    openings: list[tuple[str, str]]
    more_url: str
    next_module: Module | None


def find_conversation_guide(reader_module: ReaderModule, record: LearningRecord) -> ConversationGuide | None:
    """None while there is still something to do in the module."""
    if not reader_module.progress.is_finished:
        return None
    courses = list_reader_modules(record)
    at = [one.module.slug for one in courses].index(reader_module.module.slug)
    ahead = (one.module for one in [*courses[at + 1 :], *courses[:at]] if not one.progress.is_finished)
    openings, more_url = [], ""
    for lesson in reader_module.lessons:
        for section in lesson.sections:
            for block in section["blocks"]:
                if block["kind"] == "starters":
                    openings.append((block["ages"], block["lines"][0]))
                    lesson_url = reverse("courses:lesson", args=[reader_module.module.slug, lesson.slug])
                    more_url = more_url or f"{lesson_url}#{section['anchor']}"
    return ConversationGuide(openings, more_url, next(ahead, None))


def build_sheet_context(reader_module: ReaderModule) -> dict[str, Any]:
    """The module on paper: what belongs on a fridge door, without the lessons around it."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for block in _list_blocks(reader_module):
        kinds.setdefault(block["kind"], []).append(block)
    return {"reader_module": reader_module, "module": reader_module.module, "kinds": kinds}


def _list_blocks(reader_module: ReaderModule) -> Iterator[dict[str, Any]]:
    for lesson in reader_module.lessons:
        for section in lesson.sections:
            yield from section["blocks"]
