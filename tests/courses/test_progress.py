from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Person
from courses import views
from courses.learning.progress import CompletedWork, calculate_progress
from courses.learning.records import PersonRecord
from courses.library.selectors import get_reader_module
from courses.models import Lesson, LessonDone, QuizAnswer, QuizQuestion
from kit.rate_limits import ClientRateLimit, RateLimit

GB = "good-and-bad"
LESSONS = ["what-it-is", "good-at-and-bad-at", "bias-in-bias-out", "learning-with-it", "talk-about-it"]
pytestmark = pytest.mark.usefixtures("library")


def get_next_step(done: CompletedWork) -> str:
    reader_module = get_reader_module(GB, type("Kept", (), {"list_completed": lambda _self: {GB: done}})())
    return reader_module.progress.next_step.slug if reader_module.progress.next_step else ""


class TestTheNextStep:
    def test_is_the_first_at_the_beginning(self) -> None:
        assert get_next_step(CompletedWork()) == LESSONS[0]

    def test_follows_the_latest_work(self) -> None:
        assert get_next_step(CompletedWork(frozenset(LESSONS[:2]), {}, LESSONS[1])) == LESSONS[2]

    def test_is_not_a_skipped_lesson(self) -> None:
        assert get_next_step(CompletedWork(frozenset({LESSONS[2]}), {}, LESSONS[2])) == LESSONS[3]

    def test_is_the_skipped_lesson_at_the_end(self) -> None:
        answers = {question.slug: "x" for question in QuizQuestion.objects.all()}
        assert get_next_step(CompletedWork(frozenset(LESSONS[1:]), answers, "quiz")) == LESSONS[0]

    def test_is_the_half_done_quiz(self) -> None:
        assert get_next_step(CompletedWork(frozenset(LESSONS), {"average": "x"}, "quiz")) == "quiz"

    def test_is_none_in_a_finished_module(self) -> None:
        answers = {question.slug: "x" for question in QuizQuestion.objects.all()}
        assert get_next_step(CompletedWork(frozenset(LESSONS), answers, LESSONS[0])) == ""

    def test_is_found_after_a_removed_lesson(self) -> None:
        assert get_next_step(CompletedWork(frozenset({"gone"}), {}, "gone")) == LESSONS[0]


class TestIsStarted:
    def is_started(self, done: CompletedWork) -> bool:
        reader_module = get_reader_module(
            GB, type("Kept", (), {"list_completed": lambda _self: {GB: done}})()
        )
        return reader_module.progress.is_started

    def test_by_a_lesson(self) -> None:
        assert self.is_started(CompletedWork(frozenset(LESSONS[:1]), {}, LESSONS[0]))

    def test_by_one_answer_of_the_quiz(self) -> None:
        assert self.is_started(CompletedWork(frozenset(), {"average": "x"}, "quiz"))

    def test_is_false_without_work(self) -> None:
        assert not self.is_started(CompletedWork())

    def test_is_false_for_removed_lessons(self) -> None:
        assert not self.is_started(CompletedWork(frozenset({"gone"}), {"gone": "x"}, "gone"))


def test_the_home_page_continues_a_half_answered_quiz(client: Client) -> None:
    question = QuizQuestion.objects.get(module__language="en", slug="average")
    client.post(f"/learn/{GB}/quiz/average", {"option": question.options[0]["id"]})
    for page in ("/", "/learn/", f"/learn/{GB}"):
        assert "Continue: Five questions" in client.get(page).content.decode(), page


def test_only_completed_work_is_stored() -> None:
    kept = {field.name for model in (LessonDone, QuizAnswer) for field in model._meta.get_fields()}
    assert not kept & {"percent", "completed", "is_done", "score", "progress"}


def test_a_quiz_without_questions_is_never_done() -> None:
    lesson = Lesson.objects.all()[0]
    assert not calculate_progress(lesson.module, lessons=[], questions=[], done=CompletedWork()).is_finished


def test_doing_something_twice_updates_its_time(teen: Person) -> None:
    record = PersonRecord(teen)
    for slug in (LESSONS[0], LESSONS[1], LESSONS[0]):
        record.mark_lesson_done(GB, slug)
    assert record.list_completed()[GB].latest_step == LESSONS[0]
    assert LessonDone.objects.count() == 2


class TestAVisitor:
    def test_continues_where_they_stopped(self, client: Client) -> None:
        client.post(f"/learn/{GB}/{LESSONS[0]}/done")
        client.post(f"/learn/{GB}/{LESSONS[1]}/done")
        assert "Continue: Bias in, bias out" in client.get("/").content.decode()
        assert LessonDone.objects.count() == 0

    def test_keeps_their_work_on_sign_in(self, client: Client, teen: Person) -> None:
        option = QuizQuestion.objects.get(module__language="en", slug="average").options[0]["id"]
        client.post(f"/learn/{GB}/{LESSONS[0]}/done")
        client.post(f"/learn/{GB}/quiz/average", {"option": option})
        client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
        done = PersonRecord(teen).list_completed()[GB]
        assert done.lessons == {LESSONS[0]}
        assert done.answers == {"average": option}
        assert "completed_work" not in client.session

    def test_never_overwrites_the_persons_work(self, client: Client, teen: Person) -> None:
        options = QuizQuestion.objects.get(module__language="en", slug="average").options
        PersonRecord(teen).record_answer(GB, "average", options[0]["id"])
        client.post(f"/learn/{GB}/quiz/average", {"option": options[1]["id"]})
        client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
        assert QuizAnswer.objects.get().option == options[0]["id"]

    def test_leaves_nothing_for_the_next_visitor(self, client: Client, teen: Person) -> None:
        client.post("/sign-in", {"username": "noor", "password": "a-long-password"})
        client.post(f"/learn/{GB}/{LESSONS[0]}/done")
        client.post("/sign-out")
        assert "Continue:" not in client.get("/").content.decode()


def test_progress_is_private(teen: Person, parent: Person, as_person: Callable[[Person], Client]) -> None:
    as_person(teen).post(f"/learn/{GB}/{LESSONS[0]}/done")
    assert "Continue:" in as_person(teen).get("/").content.decode()
    assert "Continue:" not in as_person(parent).get("/").content.decode()


class TestStepLimits:
    """Limits are by person, or by a visitor's session, not by their shared address."""

    @pytest.fixture(autouse=True)
    def _few_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        few = ClientRateLimit(f"test {uuid4()}", person="9/hour", network="2/hour", everyone="9/hour")
        monkeypatch.setattr(views, "first_steps", few)
        monkeypatch.setattr(views, "reader_steps", RateLimit(f"test {uuid4()}", "2/hour"))

    def steps(self, client: Client, times: int) -> list[int]:
        return [client.post(f"/learn/{GB}/{LESSONS[0]}/done").status_code for _ in range(times)]

    def test_of_people(self, as_person: Callable[[Person], Client], teen: Person, parent: Person) -> None:
        for person in (teen, parent):
            assert self.steps(as_person(person), 3) == [302, 302, 429]

    @pytest.mark.django_db
    def test_of_visitors(self) -> None:
        readers = Client(), Client()
        for reader in readers:
            assert self.steps(reader, 4) == [302, 302, 302, 429]
        # Clients that drop the cookie every time are counted by network.
        assert self.steps(Client(), 1) == [429]

    @pytest.mark.django_db
    def test_of_a_forged_session_key(self) -> None:
        client = Client()
        for number in range(2):
            client.cookies["sessionid"] = f"made-up-{number}"
            assert self.steps(client, 1) == [302]
        client.cookies["sessionid"] = "made-up-3"
        assert self.steps(client, 1) == [429]
