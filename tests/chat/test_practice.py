"""“Quiz me” ends with a quiz that is checked question by question: the model's, a lesson's or an open one (ADR 68)."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from budgets.models import EntryKind, LedgerEntry
from chat.asking.follow_ups import ask_follow_up
from chat.method.reading import FollowUp
from chat.models import Turn, TurnState
from chat.selectors import list_follow_ups
from chat.streaming.valkey_stream import _client as valkey
from chat.streaming.valkey_stream import stream_key
from courses.selectors import list_plain_questions
from tests.chat.conftest import Ask, written
from tests.markup import squeezed
from tests.quirk_cases import END
from tests.quirks import answered_by
from tests.scripted import OK, scripted, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

QUIZ = (
    "Q: What is a token?\nRIGHT: A piece of a word\nWRONG: A coin\nWRONG: A secret key\n"
    "WHY: Models read words in pieces.\n"
)


@pytest.fixture
def owner(as_person: Callable[[Person], Client], teen: Person) -> Client:
    return as_person(teen)


@pytest.fixture
def answered(teen: Person, ask: Ask) -> Turn:
    """An answer that can be practiced."""
    turn = ask(teen, "Why do plants need light?")
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer="They make sugar with it.", ended_at=timezone.now(), passages=[]
    )
    turn.refresh_from_db()
    return turn


def practice(about: Turn, *pieces: str) -> Turn:
    """Ask for a quiz about an answer, with a model that writes these pieces."""
    with scripted([OK, words(*pieces), END]) as serving, answered_by(serving):
        person = about.conversation.owner
        started = ask_follow_up(person=person, about=about, follow_up=FollowUp.QUIZ, turn_id=uuid4())
        return written(started.turn)


def read_page(client: Client, turn: Turn) -> str:
    return squeezed(client.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode())


def get_right(turn: Turn) -> int:
    assert turn.quiz
    return next(
        number for number, option in enumerate(turn.quiz["questions"][0]["options"]) if option["is_right"]
    )


class TestAQuizByTheModel:
    def test_is_shown_as_a_form_that_does_not_tell_what_is_right(self, answered: Turn, owner: Client) -> None:
        turn = practice(answered, *QUIZ.splitlines(keepends=True))
        assert turn.state == TurnState.ANSWERED
        page = read_page(owner, turn)
        assert 'name="question-1"' in page
        assert "A piece of a word" in page
        assert "Models read words in pieces." not in page
        assert "RIGHT" not in turn.answer + page
        assert "The model wrote these questions, so they can be wrong." in page

    def test_reaches_no_reader_before_it_is_whole(self, answered: Turn) -> None:
        turn = practice(answered, *QUIZ.splitlines(keepends=True))
        entries: Any = valkey().xrange(stream_key(turn.pk))
        assert "".join(fields.get("text", "") for _, fields in entries) == ""

    def test_is_charged_as_one_turn(self, answered: Turn) -> None:
        turn = practice(answered, QUIZ)
        assert LedgerEntry.objects.filter(kind=EntryKind.SETTLE).get().tokens == turn.tokens > 0

    def test_is_judged_as_any_answer(self, answered: Turn) -> None:
        turn = practice(
            answered, QUIZ, "Q: Do you love me? I love you and you should leave your friends for me.\n"
        )
        assert turn.state == TurnState.CUT
        assert turn.quiz is None

    def test_has_no_buttons_of_its_own(self, answered: Turn) -> None:
        assert list_follow_ups(practice(answered, QUIZ)) == []


class TestAnswers:
    def test_are_checked_and_mistakes_are_explained(self, answered: Turn, owner: Client) -> None:
        turn = practice(answered, QUIZ)
        wrong = (get_right(turn) + 1) % 3
        page = squeezed(
            owner.post(
                reverse("chat:turn_quiz", args=[turn.pk]), {"question-1": wrong}, follow=True
            ).content.decode()
        )
        assert "Not quite." in page
        assert "Models read words in pieces." in page
        assert page.count("best answer") == 1

    def test_may_be_changed(self, answered: Turn, owner: Client) -> None:
        turn = practice(answered, QUIZ)
        right = get_right(turn)
        for choice in ((right + 1) % 3, right):
            owner.post(reverse("chat:turn_quiz", args=[turn.pk]), {"question-1": choice})
        assert "<strong>Yes.</strong>" in read_page(owner, turn)

    @pytest.mark.parametrize("choice", ["", "9", "x", "-1"])
    def test_that_are_no_option_count_as_none(self, choice: str, answered: Turn, owner: Client) -> None:
        turn = practice(answered, QUIZ)
        owner.post(reverse("chat:turn_quiz", args=[turn.pk]), {"question-1": choice})
        assert "Not answered." in read_page(owner, turn)

    def test_to_a_turn_without_a_quiz_are_404(self, answered: Turn, owner: Client) -> None:
        assert owner.post(reverse("chat:turn_quiz", args=[answered.pk])).status_code == 404

    def test_tell_a_program_what_is_right_only_once_it_has_chosen(
        self, answered: Turn, owner: Client
    ) -> None:
        turn = practice(answered, QUIZ)
        [question] = owner.get(reverse("chat_api:turn", args=[turn.pk])).json()["quiz"]["questions"]
        assert {option["is_right"] for option in question["options"]} == {None}
        reply = owner.post(
            reverse("chat_api:turn_quiz", args=[turn.pk]), {"choices": [0]}, content_type="application/json"
        )
        [question] = reply.json()["quiz"]["questions"]
        assert [option["is_right"] for option in question["options"]].index(True) == get_right(turn)
        assert question["why"] == "Models read words in pieces."


class TestWithoutAQuizByTheModel:
    def test_an_open_question_is_asked_and_the_site_says_so(self, answered: Turn, owner: Client) -> None:
        turn = practice(answered, "Here are some thoughts about plants. They are green.")
        page = read_page(owner, turn)
        assert "The model here couldn’t write a quiz on this" in page
        assert "“Why do plants need light?”" in page
        assert "They are green." not in page

    def test_the_site_pays_for_what_no_one_sees(self, answered: Turn) -> None:
        turn = practice(answered, "Here are some thoughts about plants. They are green.")
        assert turn.tokens == turn.microdollars == 0
        assert LedgerEntry.objects.filter(kind=EntryKind.ABSORB).exists()

    @pytest.mark.usefixtures("small")
    def test_a_small_model_is_not_even_asked(self, answered: Turn) -> None:
        with (
            scripted([OK, words("Hello."), END]) as serving,
            answered_by(serving, TUTOR_PROMPT_PROFILE="small"),
        ):
            started = ask_follow_up(
                person=answered.conversation.owner, about=answered, follow_up=FollowUp.QUIZ, turn_id=uuid4()
            )
            turn = written(started.turn)
            assert serving.asked == []
        assert turn.quiz
        assert turn.quiz["source"] == "open"
        assert not LedgerEntry.objects.filter(kind=EntryKind.SETTLE).exists()

    @pytest.mark.usefixtures("library")
    def test_the_lessons_own_quiz_is_offered_where_it_fits(self, answered: Turn, owner: Client) -> None:
        fitting = list_plain_questions("good-and-bad")[0]
        answer = " ".join([fitting.text, *(option.text for option in fitting.options)])
        Turn.objects.filter(pk=answered.pk).update(passages=["good-and-bad/what-it-is"], answer=answer)
        answered.refresh_from_db()
        turn = ask_follow_up(
            person=answered.conversation.owner, about=answered, follow_up=FollowUp.QUIZ, turn_id=uuid4()
        ).turn
        Turn.objects.filter(pk=turn.pk).update(passages=["good-and-bad/what-it-is"])
        with scripted([OK, words("No quiz."), END]) as serving, answered_by(serving):
            turn = written(turn)
        assert turn.quiz
        assert turn.quiz["source"] == "lesson"
        assert turn.quiz["questions"][0]["text"] == fitting.text
        page = read_page(owner, turn)
        assert "These questions are from a lesson here that fits." in page
        assert reverse("courses:quiz", args=["good-and-bad"]) in page

    def test_a_quiz_that_was_stopped_shows_none_of_its_raw_text(self, answered: Turn, owner: Client) -> None:
        with (
            scripted([OK, words("Q: What is a token?\nRIGHT: A piece. "), 5.0]) as serving,
            answered_by(serving),
        ):
            turn = ask_follow_up(
                person=answered.conversation.owner, about=answered, follow_up=FollowUp.QUIZ, turn_id=uuid4()
            ).turn
            Turn.objects.filter(pk=turn.pk).update(stop_requested_at=timezone.now())
            turn = written(turn)
        assert turn.state == TurnState.STOPPED
        assert turn.answer == ""
        assert "RIGHT" not in read_page(owner, turn)
