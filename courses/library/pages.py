"""Template contexts of the module pages. Only these functions fetch and authorize."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse

from courses.learning.records import LearningRecord, get_record
from courses.library.selectors import ReaderModule, get_reader_module, list_reader_modules
from courses.models import Lesson, Module, QuizQuestion
from events.selectors import list_module_events
from kit.not_found import raise_404_on
from kit.site import build_absolute_url
from safeguarding.helplines import get_country_help


def get_reader_module_or_404(request: HttpRequest, slug: str) -> ReaderModule:
    """Return the module with the reader's progress. Modules are public; 404 for an unknown slug."""
    with raise_404_on(Module.DoesNotExist):
        return get_reader_module(slug, get_record(request))


def get_lesson_or_404(reader_module: ReaderModule, slug: str) -> Lesson:
    """Return the module's lesson. 404 for an unknown slug."""
    with raise_404_on(Lesson.DoesNotExist):
        return reader_module.lesson(slug)


def get_question_or_404(reader_module: ReaderModule, slug: str) -> QuizQuestion:
    """Return the module's quiz question. 404 for an unknown slug."""
    for question in reader_module.questions:
        if question.slug == slug:
            return question
    raise Http404


@dataclass(frozen=True)
class ShownOption:
    """An option of a question. Its explanation is shown once the question is answered."""

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
    is_joint: bool
    is_unanswered: bool

    @property
    def chosen(self) -> ShownOption | None:
        return next((option for option in self.options if option.is_chosen), None)


def build_questions(reader_module: ReaderModule, *, missed: str = "") -> list[ShownQuestion]:
    """Return the quiz with the reader's answers. `missed` is the slug of a question that was sent without a choice.

    An answer whose option has since been rewritten still counts, but no option is shown as chosen.
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
            is_joint=question.slug in reader_module.done.joint_questions,
            is_unanswered=question.slug == missed,
        )
        for number, question in enumerate(reader_module.questions, 1)
    ]


def build_step_context(reader_module: ReaderModule, slug: str) -> dict[str, Any]:
    """Return what the page of any step shows of the module around it."""
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


def has_block(lesson: Lesson, kind: str) -> bool:
    """Return whether a lesson has a block of a kind."""
    return any(block["kind"] == kind for section in lesson.sections for block in section["blocks"])


def add_sources(sections: list[dict[str, Any]], sources: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the sections of a lesson or a briefing, with the full source in each block that cites one."""
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
    """What a finished module offers: one conversation starter for each age, a link to more, and the next module."""

    openings: list[tuple[str, str]]
    more_url: str
    next_module: Module | None


def find_conversation_guide(reader_module: ReaderModule, record: LearningRecord) -> ConversationGuide | None:
    """Return the conversation guide, or None until the module is finished."""
    if not reader_module.progress.is_finished:
        return None
    courses = list_reader_modules(record)
    at = [course.module.slug for course in courses].index(reader_module.module.slug)
    ahead = (
        course.module for course in [*courses[at + 1 :], *courses[:at]] if not course.progress.is_finished
    )
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
    """Return the context of the printable page, which has the blocks without the lessons around them."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for block in _list_blocks(reader_module):
        kinds.setdefault(block["kind"], []).append(block)
    return {
        "reader_module": reader_module,
        "module": reader_module.module,
        "kinds": kinds,
        "help": get_country_help(settings.HELP_COUNTRY),
        "address": build_absolute_url(reader_module.module.get_absolute_url()).partition("://")[2],
    }


def _list_blocks(reader_module: ReaderModule) -> Iterator[dict[str, Any]]:
    for lesson in reader_module.lessons:
        for section in lesson.sections:
            yield from section["blocks"]
