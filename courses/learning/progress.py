"""How far somebody is in a module: always worked out from what they did, never kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _

from courses.models import Lesson, Module, QuizQuestion
from kit.languages import get_page_language

QUIZ_STEP = "quiz"


@dataclass(frozen=True)
class CompletedWork:
    """What somebody did in one module: lessons read, the option chosen for each question, and the last of all.

    `shared` are the questions whose option was chosen while they took the module together with somebody.
    """

    lessons: frozenset[str] = frozenset()
    answers: Mapping[str, str] = field(default_factory=dict)
    last: str = ""
    shared: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ModuleStep:
    """One thing to do in a module: a lesson, or the quiz at its end."""

    slug: str
    title: str
    minutes: int
    url: str
    language: str
    is_done: bool


@dataclass(frozen=True)
class ModuleProgress:
    steps: Sequence[ModuleStep]
    next_step: ModuleStep | None
    # One answer of the quiz begins a module, though no step of it is done yet.
    is_started: bool

    @property
    def done_count(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def is_finished(self) -> bool:
        return self.next_step is None

    def ends_with(self, slug: str) -> bool:
        """Whether doing this step makes the module whole, which it is not yet."""
        return [step.slug for step in self.steps if not step.is_done] == [slug]


def calculate_progress(
    module: Module, *, lessons: Sequence[Lesson], questions: Sequence[QuizQuestion], done: CompletedWork
) -> ModuleProgress:
    """Where somebody stands who did `done`, in the module as it is now.

    The next step is the first one after what they did last that is still to do: whoever skipped a lesson is not
    sent back to it until the end. The quiz is done when every question of today has an answer.
    """
    steps = [
        ModuleStep(
            slug=lesson.slug,
            title=lesson.title,
            minutes=lesson.minutes,
            url=reverse("courses:lesson", args=[module.slug, lesson.slug]),
            language=module.language,
            is_done=lesson.slug in done.lessons,
        )
        for lesson in lessons
    ]
    answered = [question.slug in done.answers for question in questions]
    steps.append(
        ModuleStep(
            slug=QUIZ_STEP,
            title=_("Five questions"),
            minutes=5,
            url=reverse("courses:quiz", args=[module.slug]),
            language=get_page_language(),
            is_done=bool(answered) and all(answered),
        )
    )
    slugs = [step.slug for step in steps]
    begin = slugs.index(done.last) if done.last in slugs else 0
    ahead = [*steps[begin:], *steps[:begin]]
    return ModuleProgress(
        steps,
        next_step=next((step for step in ahead if not step.is_done), None),
        is_started=any(answered) or any(step.is_done for step in steps),
    )
