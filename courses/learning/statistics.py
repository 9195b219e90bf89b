"""Module statistics that reveal no single person: how many start, how far they get, and their first answers.

Every number is rounded down to a multiple of ROUNDING_STEP. Smaller numbers become 0 and are shown as “fewer than
five”, including a real 0. So the difference of two numbers (of two steps, periods or days) never reveals fewer than
five people. Percentages and differences are calculated from rounded numbers, so they reveal nothing more. There is
no total of a question's answers: subtracting the other options from it would reveal a hidden number.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from courses.learning.progress import QUIZ_STEP
from courses.markdown import extract_text
from courses.models import Module, QuizAnswer, QuizQuestion
from courses.selectors import list_modules
from kit.sql import read_sql

ROUNDING_STEP = 5
# With fewer answers no percentage is shown: a few people would look like a rule.
MIN_ANSWERS_FOR_SHARE = 20
ALL_TIME = datetime.min.replace(tzinfo=UTC)

COUNT_PROGRESS = read_sql(__file__, "count_progress")


def round_down_for_privacy(count: int) -> int:
    """Round a number of people down to a multiple of ROUNDING_STEP."""
    return count - count % ROUNDING_STEP


@dataclass(frozen=True)
class StepStatistics:
    """A lesson or the quiz: how many did it, how many reached it or a later step, and how many stopped there.

    `stopped_here` is None for the quiz, which has no later step.
    """

    slug: str
    title: str
    done: int
    reached: int
    stopped_here: int | None


@dataclass(frozen=True)
class OptionStatistics:
    """An option: how many chose it first, and their percentage once there are MIN_ANSWERS_FOR_SHARE answers."""

    text: str
    is_right: bool
    chosen: int
    share: int | None


@dataclass(frozen=True)
class QuestionStatistics:
    slug: str
    question_text: str
    options: list[OptionStatistics]

    @property
    def misleading(self) -> OptionStatistics | None:
        """The wrong option that most people chose first, or None if there are too few answers."""
        wrong = [option for option in self.options if option.share and not option.is_right]
        return max(wrong, key=lambda option: option.share or 0, default=None)

    @property
    def max_chosen(self) -> int:
        """The count of the most chosen option."""
        return max(option.chosen for option in self.options)

    @property
    def misleading_share(self) -> int:
        """The share of first answers that chose the most misleading option, in percent; 0 if it is unknown."""
        return (self.misleading and self.misleading.share) or 0


@dataclass(frozen=True)
class ModuleStatistics:
    module: Module
    started: int
    finished: int
    steps: list[StepStatistics]
    questions: list[QuestionStatistics]

    @property
    def misleading(self) -> QuestionStatistics | None:
        """The question whose top wrong option has the highest percentage, or None."""
        known = [question for question in self.questions if question.misleading_share]
        return max(known, key=lambda question: question.misleading_share, default=None)


@dataclass(frozen=True)
class ProgressGroup:
    """`people` who did the same in a module: the positions of lessons read, and the number of questions answered."""

    positions: list[int]
    answers: int
    people: int


def list_module_statistics(*, since: datetime = ALL_TIME) -> list[ModuleStatistics]:
    """Return every module's statistics of people active since `since`, in the reader's language. Five queries."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_PROGRESS, {"since": since})
        groups_by_module: dict[str, list[ProgressGroup]] = defaultdict(list)
        for slug, positions, answers, people in cursor.fetchall():
            groups_by_module[slug].append(ProgressGroup(positions, answers, people))
    chosen = _count_first_choices(since)
    modules = list_modules().prefetch_related("lessons", "questions")
    return [_build_module_statistics(module, groups_by_module[module.slug], chosen) for module in modules]


def _count_first_choices(since: datetime) -> Mapping[tuple[str, str, str], int]:
    """Count first answers by module slug, question slug and option id."""
    answers = QuizAnswer.objects.filter(answered_at__gte=since).exclude(first_option="")
    choices = answers.values_list("module_slug", "question_slug", "first_option")
    return Counter(
        {(module, question, option): n for module, question, option, n in choices.annotate(Count("pk"))}
    )


def _build_module_statistics(
    module: Module, groups: list[ProgressGroup], chosen: Mapping[tuple[str, str, str], int]
) -> ModuleStatistics:
    lessons, questions = list(module.lessons.all()), list(module.questions.all())
    quiz_position = len(lessons) + 1

    def count_people(condition: Callable[[ProgressGroup], bool]) -> int:
        return round_down_for_privacy(sum(group.people for group in groups if condition(group)))

    def get_farthest_position(group: ProgressGroup) -> int:
        return quiz_position if group.answers else max(group.positions)

    def count_done(position: int) -> int:
        return count_people(lambda group: position in group.positions)

    def count_reached(position: int) -> int:
        return count_people(lambda group: get_farthest_position(group) >= position)

    done = [
        *map(count_done, range(1, quiz_position)),
        count_people(lambda group: group.answers == len(questions)),
    ]
    reached = list(map(count_reached, range(1, quiz_position + 1)))
    titles = [(lesson.slug, lesson.title) for lesson in lessons] + [(QUIZ_STEP, _("Five questions"))]
    return ModuleStatistics(
        module=module,
        started=reached[0],
        finished=count_people(
            lambda group: len(group.positions) == len(lessons) and group.answers == len(questions)
        ),
        steps=[
            StepStatistics(
                slug, title, done_by, reached_by, None if following is None else reached_by - following
            )
            for (slug, title), done_by, reached_by, following in zip(
                titles, done, reached, [*reached[1:], None], strict=True
            )
        ],
        questions=[_build_question_statistics(module, question, chosen) for question in questions],
    )


def _build_question_statistics(
    module: Module, question: QuizQuestion, chosen: Mapping[tuple[str, str, str], int]
) -> QuestionStatistics:
    counts = [
        round_down_for_privacy(chosen[module.slug, question.slug, option["id"]])
        for option in question.options
    ]
    total = sum(counts)
    return QuestionStatistics(
        slug=question.slug,
        question_text=extract_text(question.html),
        options=[
            OptionStatistics(
                text=extract_text(option["html"]),
                is_right=option["is_right"],
                chosen=count,
                share=round(100 * count / total) if total >= MIN_ANSWERS_FOR_SHARE else None,
            )
            for option, count in zip(question.options, counts, strict=True)
        ],
    )
