"""A reader's progress in a module. It is always calculated from their completed work, never stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _

from courses.models import Lesson, Module, QuizQuestion
from kit.languages import get_page_language

QUIZ_STEP = "quiz"


@dataclass(frozen=True)
class CompletedWork:
    """What a reader did in one module: lessons read, chosen options by question, and the latest step.

    `joint_questions` has the slugs of questions that were answered in a joint module. `has_finished` says that the
    module was finished before it got more lessons or questions.
    """

    lessons: frozenset[str] = frozenset()
    answers: Mapping[str, str] = field(default_factory=dict)
    latest_step: str = ""
    joint_questions: frozenset[str] = frozenset()
    has_finished: bool = False


@dataclass(frozen=True)
class ModuleStep:
    """One step of a module: a lesson, or the quiz at its end."""

    slug: str
    title: str
    minutes: int
    url: str
    language: str
    is_done: bool
    # It was added after the reader had finished the module.
    is_new: bool = False


@dataclass(frozen=True)
class ModuleProgress:
    steps: Sequence[ModuleStep]
    next_step: ModuleStep | None
    # True from the first quiz answer on, even if no step is done yet.
    is_started: bool
    has_finished: bool = False

    @property
    def done_count(self) -> int:
        """How many steps are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def is_finished(self) -> bool:
        return self.next_step is None or self.has_finished

    def ends_with(self, slug: str) -> bool:
        """Return whether nothing is left once this step is done, which it isn't yet."""
        return [step.slug for step in self.steps if not step.is_done] == [slug]


def calculate_progress(
    module: Module, *, lessons: Sequence[Lesson], questions: Sequence[QuizQuestion], done: CompletedWork
) -> ModuleProgress:
    """Return a reader's progress in the module as it is now.

    The next step is the first open one after their latest step: a reader who skipped a lesson returns to it only at
    the end. The quiz is done when every current question has an answer.
    """
    steps = [
        ModuleStep(
            slug=lesson.slug,
            title=lesson.title,
            minutes=lesson.minutes,
            url=reverse("courses:lesson", args=[module.slug, lesson.slug]),
            language=module.language,
            is_done=lesson.slug in done.lessons,
            is_new=done.has_finished and lesson.slug not in done.lessons,
        )
        for lesson in lessons
    ]
    answered = [question.slug in done.answers for question in questions]
    steps.append(
        ModuleStep(
            slug=QUIZ_STEP,
            title=_("Five questions"),
            minutes=module.quiz_minutes,
            url=reverse("courses:quiz", args=[module.slug]),
            language=get_page_language(),
            is_done=bool(answered) and all(answered),
            is_new=done.has_finished and not all(answered),
        )
    )
    slugs = [step.slug for step in steps]
    begin = slugs.index(done.latest_step) if done.latest_step in slugs else 0
    ahead = [*steps[begin:], *steps[:begin]]
    return ModuleProgress(
        steps,
        next_step=next((step for step in ahead if not step.is_done), None),
        is_started=any(answered) or any(step.is_done for step in steps),
        has_finished=done.has_finished,
    )
