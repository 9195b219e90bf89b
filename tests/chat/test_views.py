"""Every page of the tutor, for the owner, a family member, a stranger, an admin and a visitor."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from chat import services
from chat.asking.services import question_rate_limit
from chat.models import Conversation, Turn, TurnState
from chat.web.conversation import get_turn_url
from tests.chat.conftest import Ask

AsPerson = Callable[[Person], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


OWN = [
    ("get", "chat:conversation", "conversation"),
    ("post", "chat:ask_in", "conversation"),
    ("post", "chat:rename", "conversation"),
    ("get", "chat:delete", "conversation"),
    ("post", "chat:delete", "conversation"),
    ("get", "chat:turn_stream", "turn"),
    ("post", "chat:turn_stop", "turn"),
    ("post", "chat:turn_retry", "turn"),
]


@pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
@pytest.mark.parametrize(("method", "name", "of"), OWN)
def test_a_conversation_is_found_only_by_its_owner(
    method: str, name: str, of: str, who: str, turn: Turn, as_person: AsPerson, request: pytest.FixtureRequest
) -> None:
    other = as_person(request.getfixturevalue(who))
    key = turn.pk if of == "turn" else turn.conversation_id
    reply = getattr(other, method)(
        reverse(name, args=[key]), {"turn_id": uuid4(), "question": "What?", "title": "Mine"}
    )
    assert reply.status_code == 404
    turn.refresh_from_db()
    assert turn.state == TurnState.QUEUED
    assert turn.conversation.title == "Why is the sky blue?"


@pytest.mark.parametrize(("method", "name", "of"), OWN)
def test_a_visitor_is_asked_to_sign_in(method: str, name: str, of: str, turn: Turn, client: Client) -> None:
    key = turn.pk if of == "turn" else turn.conversation_id
    reply = getattr(client, method)(reverse(name, args=[key]))
    # An event stream cannot redirect to a page.
    assert reply.status_code == (401 if name == "chat:turn_stream" else 302)


@pytest.mark.parametrize("name", ["chat:start", "chat:ask", "chat:end_pause"])
def test_the_tutor_itself_asks_for_sign_in(name: str, client: Client, db: None) -> None:
    method = client.get if name == "chat:start" else client.post
    reply = method(reverse(name))
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith(reverse("accounts:sign_in"))


class TestStart:
    def test_it_says_what_this_is_before_the_first_message(self, owner: Client) -> None:
        page = owner.get(reverse("chat:start")).content.decode()
        for text in (
            "not a human",
            "may not be suitable for some minors",
            "You see each time a parent looks",
            reverse("safeguarding:help_now"),
        ):
            assert text in page

    def test_it_says_that_the_demos_model_is_tiny_and_often_wrong(
        self, owner: Client, settings: Settings
    ) -> None:
        settings.TUTOR_IS_DEMO_MODEL = True
        assert "often wrong" in owner.get(reverse("chat:start")).content.decode()
        settings.TUTOR_IS_DEMO_MODEL = False
        assert "often wrong" not in owner.get(reverse("chat:start")).content.decode()

    def test_it_says_when_questions_are_sent_to_another_company(
        self, owner: Client, settings: Settings
    ) -> None:
        assert "don’t leave it" in owner.get(reverse("chat:start")).content.decode()
        settings.TUTOR_BASE_URL = "https://api.example.com/v1"
        assert "sent to the company" in owner.get(reverse("chat:start")).content.decode()

    def test_a_site_with_unreviewed_crisis_texts_says_that_it_is_closed(
        self, owner: Client, settings: Settings
    ) -> None:
        settings.DEMO, settings.CRISIS_TEXTS_REVIEW = False, ""
        page = owner.get(reverse("chat:start")).content.decode()
        assert "The tutor isn’t open yet" in page
        assert "Write here if you need help" in page

    def test_an_empty_list_says_what_will_be_there(self, owner: Client) -> None:
        assert "will appear here" in owner.get(reverse("chat:start")).content.decode()

    def test_the_list_costs_the_same_however_long(
        self, owner: Client, teen: Person, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        Conversation.objects.bulk_create(Conversation(owner=teen, title=f"Number {n}") for n in range(60))
        # The first page of a session is recorded in it.
        owner.get(reverse("chat:start"))
        with django_assert_max_num_queries(11):
            page = owner.get(reverse("chat:start")).content.decode()
        assert page.count("conversation-title") == 20

    def test_the_meter_speaks_in_answers_and_says_when_it_refills(self, owner: Client) -> None:
        page = owner.get(reverse("chat:start")).content.decode()
        assert "short answers left; refills at 7" in " ".join(page.split())


class TestConversation:
    def test_its_page_costs_few_queries_however_long(
        self, owner: Client, conversation: Conversation, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        services.stop_turn(turn=conversation.turns.get())
        Turn.objects.bulk_create(
            Turn(
                pk=uuid4(),
                conversation=conversation,
                question="Why?",
                answer="**Because.**",
                state=TurnState.ANSWERED,
                ended_at=conversation.started_at,
            )
            for _ in range(30)
        )
        owner.get(reverse("chat:start"))
        with django_assert_max_num_queries(13):
            page = owner.get(reverse("chat:conversation", args=[conversation.pk])).content.decode()
        assert page.count("<strong>Because.</strong>") == 30

    def test_a_hostile_question_is_only_text(self, owner: Client, teen: Person, ask: Ask) -> None:
        turn = ask(teen, "<script>alert(1)</script> {{ 7*7 }} <hx-partial hx-target='body'>")
        page = owner.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
        assert "<script>alert" not in page
        assert "<hx-partial hx-target='body'>" not in page


def post(client: Client, name: str, *args: object, htmx: bool = True, **fields: object) -> HttpResponse:
    headers = HTMX if htmx else {}
    return client.post(reverse(name, args=args), fields, headers=headers)  # type: ignore[return-value]


class TestAsking:
    def test_the_first_question_opens_its_conversation(self, owner: Client) -> None:
        reply = post(owner, "chat:ask", question="Why is the sky blue?", turn_id=uuid4())
        turn = Turn.objects.get()
        assert reply.headers["HX-Redirect"] == get_turn_url(turn)

    def test_it_works_without_javascript(self, owner: Client) -> None:
        turn_id = uuid4()
        reply = post(owner, "chat:ask", htmx=False, question="Why?", turn_id=turn_id)
        assert reply.status_code == 302
        page = owner.get(reply.headers["Location"].split("#")[0]).content.decode()
        assert '<noscript><meta http-equiv="refresh"' in page
        assert reverse("chat:turn_stop", args=[turn_id]) in page

    def test_a_later_question_joins_the_page(self, owner: Client, turn: Turn) -> None:
        services.stop_turn(turn=turn)
        turn_id = uuid4()
        reply = post(owner, "chat:ask_in", turn.conversation_id, question="And the sea?", turn_id=turn_id)
        body = reply.content.decode()
        assert f'id="turn-{turn_id}"' in body
        assert reverse("chat:turn_stream", args=[turn_id]) in body
        assert 'hx-target="#composer"' in body

    def test_posting_twice_asks_once(self, owner: Client, teen: Person) -> None:
        turn_id = uuid4()
        for _ in range(2):
            post(owner, "chat:ask", question="Why?", turn_id=turn_id)
        assert Turn.objects.count() == 1

    @pytest.mark.parametrize("htmx", [True, False])
    @pytest.mark.parametrize(
        ("question", "message"),
        [(" ", "Write your question first."), ("x" * 8001, "8,001")],
    )
    def test_a_rejected_question_is_kept_and_the_reason_is_shown(
        self,
        question: str,
        message: str,
        htmx: bool,
        owner: Client,
    ) -> None:
        reply = post(owner, "chat:ask", htmx=htmx, question=question, turn_id=uuid4())
        assert reply.status_code == 422
        assert message in reply.content.decode()
        assert question.strip() in reply.content.decode()

    def test_a_used_up_allowance_says_when_it_refills(self, owner: Client, settings: Settings) -> None:
        settings.TUTOR_DAILY_TOKENS = 10
        reply = post(owner, "chat:ask", question="Why is the sky blue?", turn_id=uuid4())
        body = reply.content.decode()
        assert reply.status_code == 422
        assert "refills at 7" in body
        assert "nothing was charged" in body
        assert "Why is the sky blue?" in body

    @pytest.mark.parametrize("turn_id", ["", "1", "x" * 400])
    def test_a_form_without_a_readable_id_is_given_one(self, turn_id: str, owner: Client) -> None:
        assert post(owner, "chat:ask", question="Why?", turn_id=turn_id).status_code == 200
        assert Turn.objects.get().question == "Why?"

    def test_too_many_questions_are_rate_limited_but_a_crisis_is_not(self, owner: Client) -> None:
        replies = [post(owner, "chat:ask", question=f"Question {n}", turn_id=uuid4()) for n in range(14)]
        assert replies[0].status_code == 200
        for refused in (replies[-1], post(owner, "chat:ask", htmx=False, question="One more")):
            assert refused.status_code == 429
            assert 0 < int(refused.headers["Retry-After"]) <= 60
        reply = post(owner, "chat:ask", question="I want to kill myself", turn_id=uuid4())
        assert reply.status_code == 200

    def test_a_crisis_that_only_the_conversation_shows_is_not_rate_limited(
        self, owner: Client, teen: Person, conversation: Conversation, turn: Turn
    ) -> None:
        Turn.objects.filter(pk=turn.pk).update(
            question="i want to", state=TurnState.FAILED, ended_at=turn.asked_at
        )
        for _ in range(12):
            question_rate_limit.hit(teen.pk)
        address = reverse("chat:ask_in", args=[conversation.pk])
        reply = owner.post(address, {"question": "kill myself", "turn_id": uuid4()})
        assert reply.status_code == 302
        assert Turn.objects.latest("asked_at").state == TurnState.CARDED

    def test_a_retry_whose_id_is_taken_asks_to_press_again(
        self, owner: Client, turn: Turn, stranger: Person, ask: Ask
    ) -> None:
        other = ask(stranger)
        Turn.objects.filter(pk=turn.pk).update(state=TurnState.FAILED, ended_at=turn.asked_at)
        reply = owner.post(reverse("chat:turn_retry", args=[turn.pk]), {"turn_id": other.pk})
        assert reply.status_code == 422
        assert "Press the button again" in reply.content.decode()

    def test_a_huge_form_is_refused(self, owner: Client) -> None:
        assert post(owner, "chat:ask", question="x" * 300_000, turn_id=uuid4()).status_code == 413


class TestCard:
    def test_it_is_shown_with_its_help_lines_and_the_tutor_rests(self, owner: Client) -> None:
        reply = post(owner, "chat:ask", htmx=False, question="I want to kill myself", turn_id=uuid4())
        page = owner.get(reply.headers["Location"].split("#")[0]).content.decode()
        assert "988" in page
        assert "The tutor is resting" in page
        assert "Write here if you need help" in page


class TestDeleting:
    def test_it_asks_first(self, owner: Client, conversation: Conversation) -> None:
        page = owner.get(reverse("chat:delete", args=[conversation.pk])).content.decode()
        assert "deleted for good" in page
        assert Conversation.objects.exists()

    def test_deletes_the_conversation_when_confirmed(self, owner: Client, conversation: Conversation) -> None:
        post(owner, "chat:delete", conversation.pk, htmx=False)
        assert owner.get(reverse("chat:conversation", args=[conversation.pk])).status_code == 404


def test_a_conversation_can_be_renamed(owner: Client, conversation: Conversation) -> None:
    post(owner, "chat:rename", conversation.pk, htmx=False, title="Skies")
    assert "Skies" in owner.get(reverse("chat:start")).content.decode()


def test_stopping_without_javascript_comes_back_to_the_page(owner: Client, turn: Turn) -> None:
    reply = post(owner, "chat:turn_stop", turn.pk, htmx=False)
    page = owner.get(reply.headers["Location"]).content.decode()
    assert "You stopped the answer here." in page
    assert "Retry" in page


def test_no_conversation_is_in_the_admin_pages(admin_person: Person, as_person: AsPerson, turn: Turn) -> None:
    assert not {Conversation, Turn} & set(admin.site._registry)
    index = as_person(admin_person).get(reverse("admin:index")).content.decode().lower()
    assert "conversation" not in index
    assert "turns" not in index
