from collections.abc import Callable
from itertools import count

import pytest

from accounts.models import Person, Role
from courses.learning.joint_modules import agree_to_joint_module
from courses.learning.progress import QUIZ_STEP
from courses.learning.records import PersonRecord
from courses.models import Module, QuizQuestion
from families.models import Link
from tests.courses.copied import change, content, folder

__all__ = ["change", "content", "folder"]

SLUG = "good-and-bad"
LESSONS = ["what-it-is", "good-at-and-bad-at", "bias-in-bias-out", "learning-with-it", "talk-about-it"]
type Crowd = Callable[[int], list[Person]]


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    """Sam and Noor, linked."""
    return Link.objects.create(parent=parent, teen=teen)


@pytest.fixture
def module(library: None) -> Module:
    return Module.objects.get(slug="good-and-bad", language="en")


@pytest.fixture
def together(link: Link, module: Module) -> Link:
    """Sam and Noor, with a joint module."""
    agree_to_joint_module(link=link, module=module, by=link.parent)
    agree_to_joint_module(link=link, module=module, by=link.teen)
    return link


@pytest.fixture
def crowd(db: None) -> Crowd:
    """Creates more people, without any work."""
    number = count()

    def more(people: int) -> list[Person]:
        return Person.objects.bulk_create(
            Person(username=f"reader-{next(number)}", role=Role.PARENT) for _ in range(people)
        )

    return more


def do_all_steps_except(person: Person, *left: str, module: str = "good-and-bad") -> None:
    """Do every step of a module except the named ones."""
    record, taken = PersonRecord(person), Module.objects.get(slug=module, language="en")
    for lesson in taken.lessons.all():
        if lesson.slug not in left:
            record.mark_lesson_done(module, lesson.slug)
    if QUIZ_STEP not in left:
        for question in taken.questions.all():
            record.record_answer(module, question.slug, question.options[0]["id"])


def read(people: list[Person], *lessons: str) -> None:
    for person in people:
        for lesson in lessons:
            PersonRecord(person).mark_lesson_done(SLUG, lesson)


def choose_options(people: list[Person], *nths: int) -> None:
    """Let each person choose these options of the question `average`, in this order."""
    options = QuizQuestion.objects.get(slug="average", module__language="en").options
    for person in people:
        for nth in nths:
            PersonRecord(person).record_answer(SLUG, "average", options[nth]["id"])
