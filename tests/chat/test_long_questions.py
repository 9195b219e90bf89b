"""A question may be as long as pasted homework. One that is too long is returned whole, with the limit."""

import unicodedata
from collections.abc import Callable
from html import escape
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Person
from budgets.allowances import get_site_budget, set_allowance
from budgets.models import MEMORY_TOKENS, BudgetScope, Hold
from chat.errors import TooLongForBudget, TooLongForModel
from chat.models import MAX_QUESTION_LENGTH, Conversation, Report, ReportCount, Turn, TurnState
from chat.prompt import build_prompt, get_answer_room
from chat.services import stop_turn
from inference.tokens import estimate_max_tokens
from tests.chat.conftest import Ask
from tests.chat.conversations import create_conversation
from tests.markup import squeezed
from tests.rest.problems import TURNS

AsPerson = Callable[[Person], Client]
HTMX = {"HX-Request": "true"}
HOMEWORK = "We read the chapter about rivers and wrote down how water moves through rock. "
ASKS = "Why do stones in a river become round?"


def build_homework(size: int) -> str:
    """Return homework of exactly this many characters, with its question at the end."""
    return (HOMEWORK * (size // len(HOMEWORK) + 1))[: size - len(ASKS) - 1] + " " + ASKS


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


@pytest.fixture(autouse=True)
def context(settings: Settings) -> None:
    settings.TUTOR_CONTEXT_TOKENS = 8192


def post(owner: Client, question: str, *, htmx: bool = False) -> tuple[int, str]:
    """Post the question as a browser does."""
    reply = owner.post(
        reverse("chat:ask"),
        urlencode({"question": question.replace("\n", "\r\n"), "turn_id": str(uuid4())}),
        content_type="application/x-www-form-urlencoded",
        headers=HTMX if htmx else {},
    )
    return reply.status_code, reply.content.decode()


class TestByItsCharacters:
    def test_all_of_it_is_accepted(self, owner: Client) -> None:
        question = build_homework(MAX_QUESTION_LENGTH)
        assert post(owner, question)[0] == 302
        assert Turn.objects.get().question == question
        assert len(Conversation.objects.get().title) <= 80

    def test_a_line_end_counts_as_one_character(self, owner: Client) -> None:
        question = "rock\n" * 1599 + "rocks"
        assert len(question) == MAX_QUESTION_LENGTH
        assert post(owner, question)[0] == 302
        assert Turn.objects.get().question == question

    @pytest.mark.parametrize("htmx", [True, False])
    def test_one_too_many_comes_back_whole(self, owner: Client, htmx: bool) -> None:
        question = build_homework(MAX_QUESTION_LENGTH + 1)
        status, page = post(owner, question, htmx=htmx)
        assert status == 422
        assert "8,001 characters long; the limit is 8,000" in page
        assert f">{question}</textarea>" in page
        assert not Conversation.objects.exists()

    def test_sixty_thousand_characters_come_back_whole(self, owner: Client) -> None:
        question = build_homework(60_000)
        status, page = post(owner, question)
        assert status == 422
        assert question in page

    def test_a_letter_and_its_mark_are_one_and_are_found_as_one(self, owner: Client) -> None:
        words = "바다는 왜 파란가요"
        post(owner, unicodedata.normalize("NFD", words))
        assert Turn.objects.get().question == words
        results = owner.get(reverse("chat:conversations"), {"q": unicodedata.normalize("NFD", "파란가요")})
        assert "<mark>파란가요</mark>" in results.content.decode()


class TestByItsTokens:
    @pytest.mark.parametrize("letter", ["🫖", "Ж", "7"])
    def test_what_the_model_cannot_read_comes_back_whole_and_holds_nothing(
        self, owner: Client, letter: str
    ) -> None:
        question = letter * MAX_QUESTION_LENGTH
        status, page = post(owner, question)
        assert status == 422
        assert "can’t read all of this at once" in page
        assert "It has 8,000 characters. Send about " in page
        assert question in page
        assert not Hold.objects.exists()
        assert not Conversation.objects.exists()

    @pytest.mark.parametrize("letter", ["🫖", "水", "7", "{}"])
    def test_as_much_as_it_says_is_accepted(self, teen: Person, ask: Ask, letter: str) -> None:
        question = (letter * MAX_QUESTION_LENGTH)[:MAX_QUESTION_LENGTH]
        with pytest.raises(TooLongForModel) as raised:
            ask(teen, question)
        turn = ask(teen, question[: raised.value.limit])
        assert turn.state == TurnState.QUEUED
        with pytest.raises(TooLongForModel):
            build_prompt(question[: raised.value.limit + 20], remembered=())

    def test_in_a_small_context_a_long_question_is_rejected_and_a_shorter_one_accepted(
        self, owner: Client, settings: Settings
    ) -> None:
        settings.TUTOR_CONTEXT_TOKENS = 2048
        assert post(owner, build_homework(MAX_QUESTION_LENGTH))[0] == 422
        assert post(owner, build_homework(2000))[0] == 302


class TestItsBudget:
    def test_says_that_a_shorter_question_would_do(self, teen: Person, owner: Client, ask: Ask) -> None:
        set_allowance(budget=get_site_budget(), tokens=1500)
        with pytest.raises(TooLongForBudget) as raised:
            ask(teen, build_homework(MAX_QUESTION_LENGTH))
        assert raised.value.scope == BudgetScope.SITE
        status, page = post(owner, build_homework(MAX_QUESTION_LENGTH))
        assert status == 422
        assert "This site’s allowance doesn’t have enough left for a question this long." in page
        assert not Hold.objects.exists()
        assert ask(teen, ASKS).state == TurnState.QUEUED

    def test_says_nothing_of_the_length_of_a_short_one(self, owner: Client, db: None) -> None:
        set_allowance(budget=get_site_budget(), tokens=20)
        assert "has used its allowance" in post(owner, ASKS)[1]


class TestAfterwards:
    def test_the_next_question_still_carries_its_beginning_and_its_end(self) -> None:
        long = Turn(
            question=f"Poem: {build_homework(7000)}", answer="They rub. " * 300, state=TurnState.ANSWERED
        )
        prompt = build_prompt("And in the sea?", remembered=[long])
        question, answer = (message["content"] for message in prompt.messages[1:3])
        assert question.startswith("Poem: We read")
        assert question.endswith(ASKS)
        assert answer.startswith("They rub.")
        assert estimate_max_tokens(question) + estimate_max_tokens(answer) <= MEMORY_TOKENS

    def test_going_on_with_its_answer_leaves_room_for_one(self, settings: Settings) -> None:
        settings.TUTOR_CONTEXT_TOKENS = 2048
        long = Turn(question="🫖" * 400, answer="Because " * 90, state=TurnState.STOPPED)
        prompt = build_prompt("Go on.", remembered=(), continued=[long])
        assert get_answer_room(prompt) >= 60
        assert "Because" in prompt.messages[2]["content"]

    def test_its_page_shows_the_beginning_first_and_holds_all_of_it(
        self, teen: Person, owner: Client
    ) -> None:
        for question, is_long in ((build_homework(7000), True), (ASKS, False)):
            conversation = create_conversation(teen, 1, question=question)
            page = owner.get(reverse("chat:conversation", args=[conversation.pk])).content.decode()
            assert escape(question) in page
            assert ("Show the whole question" in page) is is_long


class TestTheApi:
    def ask(self, owner: Client, question: str) -> dict[str, object]:
        headers = {"Idempotency-Key": str(uuid4())}
        reply = owner.post(TURNS, {"question": question}, content_type="application/json", headers=headers)
        body: dict[str, object] = reply.json()
        return body | {"status_code": reply.status_code}

    def test_says_how_long_it_is_and_how_long_it_may_be(self, owner: Client, db: None) -> None:
        answer = self.ask(owner, build_homework(8001))
        assert (answer["status_code"], answer["length"], answer["limit"]) == (422, 8001, 8000)
        answer = self.ask(owner, "7" * 8000)
        assert answer["status_code"] == 422
        assert str(answer["type"]).endswith("#question-too-long")
        assert 6000 < int(str(answer["limit"])) < 8000

    @pytest.mark.parametrize(
        ("sent", "stored"),
        [("Qu\u0065\u0301?", "Qué?"), ("a\r\nb", "a\nb"), ("a\0b", "a b"), ("\ud83d?", "\ufffd?")],
    )
    def test_takes_text_however_it_was_typed(self, owner: Client, sent: str, stored: str) -> None:
        assert self.ask(owner, sent)["question"] == stored

    def test_describes_the_limit(self, client: Client, db: None) -> None:
        reply = client.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
        described = reply.json()["components"]["schemas"]
        assert described["Ask"]["properties"]["question"]["maxLength"] == MAX_QUESTION_LENGTH


class TestAReport:
    @pytest.fixture
    def answered(self, turn: Turn) -> Turn:
        stop_turn(turn=turn)
        Turn.objects.update(answer="Because.")
        return Turn.objects.get()

    @pytest.mark.parametrize("htmx", [True, False])
    def test_whose_words_are_too_long_comes_back_as_it_was_filled_in(
        self, owner: Client, answered: Turn, htmx: bool
    ) -> None:
        words = "w" * 501
        sent = {"reason": "unkind", "shared": "on", "comment": words}
        reply = owner.post(
            reverse("chat:turn_report", args=[answered.pk]), sent, headers=HTMX if htmx else {}
        )
        page = squeezed(reply.content.decode())
        assert reply.status_code == 422
        assert "501 characters long; the limit is 500" in page
        assert f">{words}</textarea>" in page
        assert 'value="unkind" checked' in page
        assert '<details class="report" open>' in page
        assert not ReportCount.objects.exists()

    def test_counts_an_end_of_a_line_once(self, owner: Client, answered: Turn) -> None:
        sent = {"comment": "word\r\n" * 99 + "words", "shared": "on"}
        assert owner.post(reverse("chat:turn_report", args=[answered.pk]), sent).status_code == 302
        assert len(Report.objects.get().comment) == 500
