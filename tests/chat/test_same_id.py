"""A reused turn id: the same text is asked once, and different text is a new question."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import Person
from chat import services
from chat.asking import services as asking
from chat.errors import ConversationGone
from chat.models import Conversation, Turn, TurnState
from tests.chat.conftest import Ask
from tests.live import other_connection, wait_until

AsPerson = Callable[[Person], Client]
CRISIS = "I want to kill myself"


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


class TestAPageWithAUsedId:
    """After Back, a form has the id of the turn that it once asked."""

    def test_other_words_are_a_new_question(self, owner: Client, turn: Turn) -> None:
        reply = owner.post(reverse("chat:ask"), {"question": "And the sea?", "turn_id": turn.pk})
        assert reply.status_code == 302
        new = Turn.objects.exclude(pk=turn.pk).get()
        assert new.question == "And the sea?"
        assert reply.headers["Location"].endswith(f"#turn-{new.pk}")

    def test_a_cry_for_help_gets_a_card(self, owner: Client, turn: Turn) -> None:
        reply = owner.post(reverse("chat:ask"), {"question": CRISIS, "turn_id": turn.pk}, follow=True)
        assert 'href="tel:988"' in reply.content.decode()
        assert Turn.objects.exclude(pk=turn.pk).get().state == TurnState.CARDED

    def test_posting_the_other_words_twice_asks_them_once(self, owner: Client, turn: Turn) -> None:
        for _ in range(2):
            owner.post(reverse("chat:ask"), {"question": "And the sea?", "turn_id": turn.pk})
        assert Turn.objects.exclude(pk=turn.pk).count() == 1

    def test_the_same_words_lead_to_the_same_turn(self, owner: Client, turn: Turn) -> None:
        reply = owner.post(reverse("chat:ask"), {"question": turn.question, "turn_id": turn.pk})
        assert reply.headers["Location"].endswith(f"#turn-{turn.pk}")
        assert Turn.objects.count() == 1

    def test_the_same_words_in_another_conversation_are_asked_there(
        self, owner: Client, turn: Turn, teen: Person, ask: Ask
    ) -> None:
        other = ask(teen, "Who was Ada Lovelace?")
        services.stop_turn(turn=other)
        address = reverse("chat:ask_in", args=[other.conversation_id])
        owner.post(address, {"question": turn.question, "turn_id": turn.pk})
        assert other.conversation.turns.latest("asked_at").question == turn.question

    def test_another_persons_id_is_no_obstacle_and_reveals_nothing(
        self, as_person: AsPerson, stranger: Person, turn: Turn
    ) -> None:
        sent = {"question": turn.question, "turn_id": turn.pk}
        assert as_person(stranger).post(reverse("chat:ask"), sent).status_code == 302
        assert Turn.objects.get(conversation__owner=stranger).pk != turn.pk

    def test_the_id_of_a_deleted_turn_asks_anew(self, owner: Client, turn: Turn) -> None:
        services.delete_conversation(conversation=turn.conversation)
        owner.post(reverse("chat:ask"), {"question": turn.question, "turn_id": turn.pk})
        assert Turn.objects.get().question == turn.question


def at_once(count: int, act: Callable[[int], HttpResponse]) -> list[HttpResponse]:
    """Call `act` with 0, 1, … at the same time, each in its own thread and database connection."""

    def run(number: int) -> HttpResponse:
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.mark.usefixtures("unnudged")
@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    @pytest.fixture
    def clients(self, as_person: AsPerson, teen: Person) -> list[Client]:
        return [as_person(teen) for _ in range(6)]

    @pytest.mark.parametrize("question", ["Why is the sky blue?", CRISIS])
    def test_six_posts_of_one_question_are_the_same_turn_for_all(
        self, question: str, clients: list[Client]
    ) -> None:
        sent = {"question": question, "turn_id": str(uuid4())}
        replies = at_once(6, lambda n: post(clients[n], reverse("chat:ask"), sent))
        address = reverse("chat:conversation", args=[Conversation.objects.get().pk])
        assert {reply.headers["Location"] for reply in replies} == {f"{address}#turn-{sent['turn_id']}"}

    def test_in_the_api_one_is_created_and_the_others_find_it(self, clients: list[Client]) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        sent = {"question": "Why is the sky blue?"}
        how: dict[str, Any] = {"content_type": "application/json", "headers": key}
        replies = at_once(6, lambda n: post(clients[n], "/api/v1/turns", sent, **how))
        assert sorted(reply.status_code for reply in replies) == [200, 200, 200, 200, 200, 201]

    def test_two_questions_in_one_conversation_are_not_answered_at_once(
        self, clients: list[Client], teen: Person, ask: Ask
    ) -> None:
        first = ask(teen)
        services.stop_turn(turn=first)
        address = reverse("chat:ask_in", args=[first.conversation_id])
        replies = at_once(
            2, lambda n: post(clients[n], address, {"question": f"What is {n} and {n}?", "turn_id": uuid4()})
        )
        assert sorted(reply.status_code for reply in replies) == [302, 422]

    @pytest.mark.parametrize("question", ["And the sea?", CRISIS])
    def test_a_question_asked_while_its_conversation_is_deleted_is_kept_on_the_page(
        self, question: str, clients: list[Client], teen: Person, ask: Ask
    ) -> None:
        conversation = ask(teen).conversation
        address = reverse("chat:ask_in", args=[conversation.pk])
        with other_connection() as other, ThreadPoolExecutor(1) as threads:
            other.execute("SELECT FROM chat_conversation WHERE id = %s FOR UPDATE", [conversation.pk])
            other.execute("DELETE FROM chat_turn WHERE conversation_id = %s", [conversation.pk])
            other.execute("DELETE FROM chat_conversation WHERE id = %s", [conversation.pk])
            sent = {"question": question, "turn_id": uuid4()}
            asking = threads.submit(at_once, 1, lambda _n: post(clients[0], address, sent))
            wait_until(is_waiting_for_a_lock, what="the question to wait for the deletion")
            other.commit()
            [reply] = asking.result(timeout=30)
        page = reply.content.decode()
        assert reply.status_code == 404
        if question == CRISIS:
            assert 'href="tel:988"' in page
        else:
            assert question in page
            assert "This conversation was deleted" in page

    def test_a_conversation_that_is_gone_takes_no_question(self, teen: Person, ask: Ask) -> None:
        conversation = ask(teen).conversation
        services.delete_conversation(conversation=Conversation.objects.get())
        with pytest.raises(ConversationGone):
            asking.start_turn(person=teen, turn_id=uuid4(), question="And?", conversation=conversation)


def post(client: Client, address: str, sent: dict[str, Any], **how: Any) -> HttpResponse:
    reply: Any = client.post(address, sent, **how)
    return reply  # type: ignore[no-any-return]


def is_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone() == (True,))
