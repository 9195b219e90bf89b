"""Module statistics reveal no single person."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.learning.statistics import (
    ROUNDING_STEP,
    ModuleStatistics,
    list_module_statistics,
    round_down_for_privacy,
)
from courses.models import LessonDone, Module, QuizAnswer, QuizQuestion
from families.models import Link
from tests.courses.conftest import LESSONS, SLUG, Crowd, choose_options, do_all_steps_except, read


def get_statistics(**since: object) -> ModuleStatistics:
    by_module = list_module_statistics(**since)  # type: ignore[arg-type]
    return next(statistics for statistics in by_module if statistics.module.slug == SLUG)


def list_choices(statistics: ModuleStatistics) -> list[int]:
    return [
        option.chosen
        for question in statistics.questions
        if question.slug == "average"
        for option in question.options
    ]


class TestSteps:
    def test_it_is_counted_by_step(self, module: Module, crowd: Crowd) -> None:
        read(crowd(10), *LESSONS[:2])
        read(crowd(5), LESSONS[0])
        for person in crowd(5):
            do_all_steps_except(person)
        counted = get_statistics()
        assert (counted.started, counted.finished) == (20, 5)
        assert [step.reached for step in counted.steps] == [20, 15, 5, 5, 5, 5]
        assert [step.done for step in counted.steps] == [20, 15, 5, 5, 5, 5]
        assert [step.stopped_here for step in counted.steps] == [5, 10, 0, 0, 0, None]

    def test_a_skipped_lesson_counts_as_reached(self, module: Module, crowd: Crowd) -> None:
        read(crowd(5), LESSONS[3])
        counted = get_statistics()
        assert [step.reached for step in counted.steps] == [5, 5, 5, 5, 0, 0]
        assert [step.done for step in counted.steps] == [0, 0, 0, 5, 0, 0]

    def test_one_answer_reaches_the_quiz_and_all_answers_finish_it(
        self, module: Module, crowd: Crowd
    ) -> None:
        choose_options(crowd(5), 0)
        quiz = get_statistics().steps[-1]
        assert (quiz.reached, quiz.done) == (5, 0)

    def test_what_is_no_longer_in_the_module_does_not_count(self, module: Module, crowd: Crowd) -> None:
        for person in crowd(5):
            LessonDone.objects.create(person=person, module_slug=SLUG, lesson_slug="taken-away")
        assert get_statistics().started == 0

    def test_a_translation_does_not_count_twice(self, module: Module, crowd: Crowd) -> None:
        for person in crowd(5):
            do_all_steps_except(person, module="mental-health")
        [counted] = [
            statistics for statistics in list_module_statistics() if statistics.module.slug == "mental-health"
        ]
        assert (counted.started, counted.finished) == (5, 5)

    def test_a_period_counts_those_who_did_something_in_it(self, module: Module, crowd: Crowd) -> None:
        before, both = crowd(5), crowd(5)
        read(before + both, LESSONS[0])
        LessonDone.objects.update(done_at=timezone.now() - timedelta(days=40))
        read(both, LESSONS[1])
        month = get_statistics(since=timezone.now() - timedelta(days=30))
        assert [step.reached for step in month.steps][:3] == [5, 5, 0]
        assert get_statistics().started == 10


class TestFirstAnswers:
    def test_a_first_answer_stays_after_a_second_one(self, module: Module, crowd: Crowd) -> None:
        people = crowd(5)
        choose_options(people, 1, 2, 0)
        assert list_choices(get_statistics())[:3] == [0, 5, 0]
        assert QuizAnswer.objects.filter(person__in=people).exclude(first_option="").count() == 5

    def test_with_enough_answers_shares_and_the_most_misleading_option_are_shown(
        self, module: Module, crowd: Crowd
    ) -> None:
        right = next(n for n, option in enumerate(options()) if option["is_right"])
        wrong, other = [nth for nth in range(len(options())) if nth != right][:2]
        choose_options(crowd(10), right)
        choose_options(crowd(10), wrong)
        choose_options(crowd(5), other)
        counted = get_statistics()
        assert counted.misleading
        assert counted.misleading.slug == "average"
        assert counted.misleading.misleading_share == 40
        assert counted.misleading.misleading == counted.misleading.options[wrong]

    def test_with_too_few_answers_no_share_is_shown(self, module: Module, crowd: Crowd) -> None:
        choose_options(crowd(15), 1)
        counted = get_statistics()
        assert list_choices(counted)[1] == 15
        assert counted.misleading is None
        assert all(option.share is None for question in counted.questions for option in question.options)

    def test_a_visitors_first_answer_is_kept_on_sign_in(self, module: Module, teen: Person) -> None:
        visitor = Client()
        for nth in (1, 0):
            visitor.post(f"/learn/{SLUG}/quiz/average", {"option": options()[nth]["id"]})
        visitor.post("/sign-in", {"username": teen.username, "password": "a-long-password"})
        answer = QuizAnswer.objects.get(person=teen)
        assert (answer.first_option, answer.option) == (options()[1]["id"], options()[0]["id"])

    def test_a_joint_answer_counts_once(self, together: Link, module: Module, crowd: Crowd) -> None:
        choose_options([together.parent], 1)
        assert list(QuizAnswer.objects.order_by("first_option").values_list("person", "first_option")) == [
            (together.teen.pk, ""),
            (together.parent.pk, options()[1]["id"]),
        ]


def options() -> list[dict[str, object]]:
    return list(QuizQuestion.objects.get(slug="average", module__language="en").options)


class TestPrivacy:
    @given(st.integers(0, 10_000))
    def test_a_number_is_rounded_down_and_never_below_the_step(self, people: int) -> None:
        assert round_down_for_privacy(people) % ROUNDING_STEP == 0
        assert 0 <= people - round_down_for_privacy(people) < ROUNDING_STEP
        assert (round_down_for_privacy(people) == 0) == (people < ROUNDING_STEP)

    @given(st.integers(0, 60), st.integers(0, ROUNDING_STEP - 1))
    def test_differences_never_reveal_a_small_number(self, others: int, few: int) -> None:
        """Two numbers look the same whether they differ by few people or by none."""
        seen = round_down_for_privacy(others + few) - round_down_for_privacy(others)
        could = {
            fewer
            for fewer in range(ROUNDING_STEP + 1)
            for base in range(round_down_for_privacy(others), round_down_for_privacy(others) + ROUNDING_STEP)
            if round_down_for_privacy(base + fewer) - round_down_for_privacy(base) == seen
        }
        assert few in could
        assert len(could) >= ROUNDING_STEP

    @pytest.mark.parametrize("few", range(ROUNDING_STEP))
    def test_rare_options_all_look_the_same(self, module: Module, crowd: Crowd, few: int) -> None:
        choose_options(crowd(10), 0)
        choose_options(crowd(14), 1)
        choose_options(crowd(few), 2)
        about_average = [question for question in get_statistics().questions if question.slug == "average"]
        assert [(option.chosen, option.share) for option in about_average[0].options][:3] == [
            (10, 50),
            (10, 50),
            (0, 0),
        ]

    def test_there_are_no_names(self, module: Module, crowd: Crowd) -> None:
        read(crowd(6), LESSONS[0])
        assert "reader-" not in repr(get_statistics())


def test_the_statistics_take_five_queries_however_many_learn(
    module: Module, crowd: Crowd, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        list_module_statistics()
    for person in crowd(6):
        do_all_steps_except(person)
    with django_assert_num_queries(5):
        list_module_statistics()


def test_without_modules_there_is_nothing(no_library: None) -> None:
    assert list_module_statistics() == []
    load_library()
    assert {statistics.started for statistics in list_module_statistics()} == {0}
