"""How many people take what, how far they come, and what they choose first: numbers that give nobody away.

Every number that leaves here is rounded down to a multiple of FEWEST, and below that it is 0, which is said as “fewer
than five”, also where it is none. So no difference between two of them (of two steps, two periods or two days) tells
fewer than five apart. Shares and falls are worked out from the rounded numbers and so tell nothing more. A question's
options come without a sum of all who chose: less the other options it would be what is hidden.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from courses.learning.progress import QUIZ
from courses.markdown import plain_of
from courses.models import Answer, Module, Question
from courses.selectors import modules_shown
from kit.sql import read_sql

FEWEST = 5
# Of fewer first answers no share is told: a few people would look like a rule.
ENOUGH = 20
EVER = datetime.min.replace(tzinfo=UTC)

COUNT_TAKEN = read_sql(__file__, "count_taken")


def told(count: int) -> int:
    """A number of people as it may be told."""
    return count - count % FEWEST


@dataclass(frozen=True)
class StepTold:
    """A lesson, or the quiz: how many did it, how many came to it or farther, and how many of those no farther.

    Nobody goes farther than the quiz, so there it is None.
    """

    slug: str
    title: str
    done: int
    reached: int
    stayed: int | None


@dataclass(frozen=True)
class OptionTold:
    """An option of a question: how many chose it first, and what share that is in percent, once enough did."""

    words: str
    is_right: bool
    chosen: int
    share: int | None


@dataclass(frozen=True)
class QuestionTold:
    slug: str
    asked: str
    options: list[OptionTold]

    @property
    def misleading(self) -> OptionTold | None:
        """The wrong option that most people chose first; None while too few did to say so."""
        wrong = [option for option in self.options if option.share and not option.is_right]
        return max(wrong, key=lambda option: option.share or 0, default=None)

    @property
    def most(self) -> int:
        """How many chose what most did."""
        return max(option.chosen for option in self.options)

    @property
    def misled(self) -> int:
        return (self.misleading and self.misleading.share) or 0


@dataclass(frozen=True)
class ModuleTold:
    module: Module
    begun: int
    finished: int
    steps: list[StepTold]
    questions: list[QuestionTold]

    @property
    def misleading(self) -> QuestionTold | None:
        """The question whose best liked wrong option misled the greatest share."""
        misled = [question for question in self.questions if question.misled]
        return max(misled, key=lambda question: question.misled, default=None)


@dataclass(frozen=True)
class Taken:
    """What so many `people` have done of a module: the places of lessons they read, and questions they answered."""

    places: list[int]
    answers: int
    people: int


def numbers_of(*, since: datetime = EVER) -> list[ModuleTold]:
    """Of every module, what is told of those who did anything of it since then, in the reader's language. 5 queries."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_TAKEN, {"since": since})
        taken: dict[str, list[Taken]] = defaultdict(list)
        for slug, places, answers, people in cursor.fetchall():
            taken[slug].append(Taken(places, answers, people))
    chosen = _chosen_first(since)
    modules = modules_shown().prefetch_related("lessons", "questions")
    return [_module(module, taken[module.slug], chosen) for module in modules]


def _chosen_first(since: datetime) -> Mapping[tuple[str, str, str], int]:
    """How many chose an option first, by the slugs of module and question and the option's id."""
    known = Answer.objects.filter(answered_at__gte=since).exclude(first_option="")
    named = known.values_list("module_slug", "question_slug", "first_option")
    return Counter({(module, asked, option): n for module, asked, option, n in named.annotate(Count("pk"))})


def _module(module: Module, taken: list[Taken], chosen: Mapping[tuple[str, str, str], int]) -> ModuleTold:
    lessons, questions = list(module.lessons.all()), list(module.questions.all())
    quiz, asked = len(lessons) + 1, len(questions)

    def people(those: Callable[[Taken], bool]) -> int:
        return told(sum(one.people for one in taken if those(one)))

    def far(one: Taken) -> int:
        return quiz if one.answers else max(one.places)

    def did(place: int) -> int:
        return people(lambda one: place in one.places)

    def came_to(place: int) -> int:
        return people(lambda one: far(one) >= place)

    done = [*map(did, range(1, quiz)), people(lambda one: one.answers == asked)]
    reached = list(map(came_to, range(1, quiz + 1)))
    titles = [(lesson.slug, lesson.title) for lesson in lessons] + [(QUIZ, _("Five questions"))]
    return ModuleTold(
        module=module,
        begun=reached[0],
        finished=people(lambda one: len(one.places) == quiz - 1 and one.answers == asked),
        steps=[
            StepTold(slug, title, told_done, came, None if farther is None else came - farther)
            for (slug, title), told_done, came, farther in zip(
                titles, done, reached, [*reached[1:], None], strict=True
            )
        ],
        questions=[_question(module, question, chosen) for question in questions],
    )


def _question(module: Module, question: Question, chosen: Mapping[tuple[str, str, str], int]) -> QuestionTold:
    counts = [told(chosen[module.slug, question.slug, option["id"]]) for option in question.options]
    every = sum(counts)
    return QuestionTold(
        slug=question.slug,
        asked=plain_of(question.html),
        options=[
            OptionTold(
                words=plain_of(option["html"]),
                is_right=option["is_right"],
                chosen=count,
                share=round(100 * count / every) if every >= ENOUGH else None,
            )
            for option, count in zip(question.options, counts, strict=True)
        ],
    )
