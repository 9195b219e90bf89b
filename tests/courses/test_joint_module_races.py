"""Simultaneous actions of both partners happen once and never deadlock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import Person
from courses.learning.joint_modules import agree_to_joint_module, end_joint_module
from courses.learning.records import PersonRecord
from courses.models import JointModule, LessonDone, Module, QuizAnswer, QuizQuestion
from families.models import Link, Notice
from privacy.services import erase_person

pytestmark = pytest.mark.django_db(transaction=True)
SLUG = "good-and-bad"


def at_once(*acts: Callable[[], object]) -> None:
    """Run each in a thread with its own connection. Raises what any of them raises."""

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        for ran in [pool.submit(run, act) for act in acts]:
            ran.result(timeout=30)


def test_both_mark_the_same_lessons_and_answer_the_same_questions(
    together: Link, parent: Person, teen: Person, module: Module
) -> None:
    lessons = list(module.lessons.values_list("slug", flat=True))
    questions = list(QuizQuestion.objects.filter(module=module))

    def walk(person: Person, option: int) -> None:
        record = PersonRecord(person)
        for lesson in lessons:
            record.mark_lesson_done(SLUG, lesson)
        for asked in questions:
            record.record_answer(SLUG, asked.slug, asked.options[option]["id"])

    for _ in range(3):
        at_once(
            lambda: walk(parent, 0), lambda: walk(teen, 1), lambda: walk(teen, 0), lambda: walk(parent, 1)
        )
    assert LessonDone.objects.count() == 2 * len(lessons)
    chosen = [
        set(QuizAnswer.objects.filter(question_slug=question.slug).values_list("option"))
        for question in questions
    ]
    assert [len(options) for options in chosen] == [1] * len(questions)


def test_simultaneous_requests_start_the_joint_module(link: Link, module: Module) -> None:
    for _ in range(5):
        JointModule.objects.all().delete()
        Notice.objects.all().delete()
        at_once(
            lambda: agree_to_joint_module(link=link, module=module, by=link.parent),
            lambda: agree_to_joint_module(link=link, module=module, by=link.teen),
        )
        assert JointModule.objects.get().agreed_at
        assert Notice.objects.count() == 1


def test_a_lesson_marked_while_one_leaves_counts_for_both_or_one(
    together: Link, parent: Person, teen: Person, module: Module
) -> None:
    at_once(
        lambda: PersonRecord(parent).mark_lesson_done(SLUG, "what-it-is"),
        lambda: end_joint_module(link=together, module=module),
    )
    assert LessonDone.objects.filter(person=parent).exists()
    before = LessonDone.objects.filter(person=teen).count()
    PersonRecord(parent).mark_lesson_done(SLUG, "bias-in-bias-out")
    assert LessonDone.objects.filter(person=teen).count() == before


def test_a_lesson_marked_while_the_partner_is_erased_is_kept(
    together: Link, parent: Person, teen: Person, module: Module
) -> None:
    lessons = list(module.lessons.values_list("slug", flat=True))

    def walk() -> None:
        for lesson in lessons:
            PersonRecord(parent).mark_lesson_done(SLUG, lesson)

    at_once(walk, lambda: erase_person(person=teen))
    assert LessonDone.objects.filter(person=parent).count() == len(lessons)
    assert not LessonDone.objects.exclude(person=parent).exists()
