"""“Quiz me on this” on a lesson page begins a conversation with a quiz on that lesson (ADR 68)."""

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from budgets.models import EntryKind, LedgerEntry
from chat.asking.follow_ups import NoSuchLesson, ask_lesson_quiz, retry_turn
from chat.asking.services import question_rate_limit
from chat.models import Conversation, Turn, TurnState
from chat.selectors import list_follow_ups
from chat.turns.verdicts import judge_question
from courses.models import Lesson
from courses.selectors import list_plain_questions
from families.models import Consent
from guard import Action, action_for
from tests.budgets.ledger import set_budget
from tests.chat.conftest import written
from tests.markup import squeezed
from tests.quirk_cases import END
from tests.quirks import answered_by
from tests.scripted import OK, scripted, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged", "library")]

MODULE, LESSON = "good-and-bad", "what-it-is"
QUIZ = "Q: What does a model do?\nRIGHT: It predicts\nWRONG: It knows\nWHY: It continues text.\n"


@pytest.fixture
def reader(as_person: Callable[[Person], Client], teen: Person) -> Client:
    return as_person(teen)


def get_url(lesson: str = LESSON, module: str = MODULE) -> str:
    return reverse("chat:quiz_on_lesson", args=[module, lesson])


def ask_quiz(person: Person) -> Turn:
    return ask_lesson_quiz(person=person, module=MODULE, lesson=LESSON, turn_id=uuid4()).turn


class TestTheLessonPage:
    def test_has_the_button_for_a_person_who_is_signed_in(self, reader: Client) -> None:
        page = reader.get(reverse("courses:lesson", args=[MODULE, LESSON])).content.decode()
        assert f'action="{get_url()}"' in page
        assert "Quiz me on this" in page

    def test_has_none_for_a_visitor(self, client: Client) -> None:
        page = client.get(reverse("courses:lesson", args=[MODULE, LESSON])).content.decode()
        assert "Quiz me on this" not in page


class TestAskingForOne:
    def test_begins_a_conversation_that_asks_for_a_quiz_on_the_lesson(self, reader: Client) -> None:
        reply = reader.post(get_url(), {"turn_id": str(uuid4())})
        turn = Turn.objects.get()
        assert (
            reply["Location"] == f"{reverse('chat:conversation', args=[turn.conversation_id])}#turn-{turn.pk}"
        )
        title = Lesson.objects.get(module__slug=MODULE, module__language="en", slug=LESSON).title
        assert turn.question == f"Quiz me on the lesson “{title}”."
        assert turn.asks_for_quiz
        assert {key.partition("#")[0] for key in turn.passages} == {f"{MODULE}/{LESSON}"}

    def test_twice_with_one_form_asks_once(self, reader: Client) -> None:
        form = {"turn_id": str(uuid4())}
        places = {reader.post(get_url(), form)["Location"] for _ in range(2)}
        assert len(places) == Turn.objects.count() == 1

    def test_in_spanish_asks_in_spanish(self, reader: Client) -> None:
        reader.post(get_url(), {"turn_id": str(uuid4())}, headers={"Accept-Language": "es"})
        assert Turn.objects.get().language == "es"

    def test_about_an_unknown_lesson_is_404(self, reader: Client, teen: Person) -> None:
        assert reader.post(get_url("no-such-lesson")).status_code == 404
        with pytest.raises(NoSuchLesson):
            ask_lesson_quiz(person=teen, module="no", lesson="such", turn_id=uuid4())
        assert not Conversation.objects.exists()

    def test_signed_out_leads_to_sign_in_and_back_to_the_lesson(self, client: Client) -> None:
        lesson = reverse("courses:lesson", args=[MODULE, LESSON])
        reply = client.post(get_url(), headers={"Referer": f"http://testserver{lesson}"})
        assert reply["Location"] == f"{reverse('account_login')}?{urlencode({'next': lesson})}"

    def test_the_name_of_no_lesson_is_refused_or_gets_a_card(self) -> None:
        for lesson in Lesson.objects.all():
            question = f"Quiz me on the lesson “{lesson.title}”."
            if lesson.module.language == "es":
                question = f"Hazme preguntas sobre la lección “{lesson.title}”."
            assert action_for(judge_question(question, [])) is Action.ANSWER, question


class TestTheQuiz:
    def test_is_what_the_model_wrote_on_passages_of_the_lesson(self, teen: Person) -> None:
        with scripted([OK, words(QUIZ), END]) as serving, answered_by(serving):
            turn = written(ask_quiz(teen))
            [request] = serving.asked
        assert turn.quiz
        assert turn.quiz["source"] == "model"
        assert turn.quiz["module"] == MODULE
        assert "<reading>" in str(request)
        assert LedgerEntry.objects.filter(kind=EntryKind.SETTLE).exists()

    @pytest.mark.usefixtures("small")
    def test_is_the_modules_own_where_the_model_can_write_none(self, teen: Person, reader: Client) -> None:
        with (
            scripted([OK, words("Hello."), END]) as serving,
            answered_by(serving, TUTOR_PROMPT_PROFILE="small"),
        ):
            turn = written(ask_quiz(teen))
            assert serving.asked == []
        assert turn.quiz
        assert turn.quiz["source"] == "lesson"
        own = {question.text for question in list_plain_questions(MODULE)}
        assert {question["text"] for question in turn.quiz["questions"]} <= own
        page = reader.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
        assert reverse("courses:quiz", args=[MODULE]) in page
        assert list_follow_ups(turn) == []

    def test_of_a_failed_turn_is_asked_again_on_the_same_passages(self, teen: Person) -> None:
        failed = ask_quiz(teen)
        Turn.objects.filter(pk=failed.pk).update(state=TurnState.FAILED, ended_at=timezone.now())
        failed.refresh_from_db()
        again = retry_turn(person=teen, failed=failed, turn_id=uuid4()).turn
        assert again.asks_for_quiz
        assert again.passages == failed.passages


class TestWhereTheTutorDoesNotAnswer:
    def assert_offers_the_modules_quiz(self, reader: Client, status: int = 422) -> str:
        reply = reader.post(get_url(), {"turn_id": str(uuid4())})
        page = squeezed(reply.content.decode())
        assert reply.status_code == status
        assert reverse("courses:quiz", args=[MODULE]) in page
        assert ("aria-invalid" in page) == (status == 429)
        assert not Turn.objects.exists()
        return page

    def test_a_teen_without_consent_is_offered_the_modules_quiz(self, reader: Client) -> None:
        Consent.objects.all().delete()
        assert "The tutor opens when someone gives consent" in self.assert_offers_the_modules_quiz(reader)

    def test_so_is_a_teen_who_asked_too_often(self, reader: Client, teen: Person) -> None:
        for _ in range(12):
            question_rate_limit.hit(teen.pk)
        self.assert_offers_the_modules_quiz(reader, status=429)

    def test_so_is_a_teen_whose_budget_is_used_up(self, reader: Client, teen: Person) -> None:
        set_budget(teen, tokens=10)
        self.assert_offers_the_modules_quiz(reader)
