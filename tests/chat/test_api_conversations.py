from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from tests.rest.problems import require_problem

AsPerson = Callable[[Person], Client]
LIST = "/api/v1/conversations"


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


def read_all(client: Client, address: str) -> list[dict[str, str]]:
    """Every row of a list, page by page."""
    listed, next_page = [], address
    while next_page:
        page = client.get(next_page).json()
        assert len(page["results"]) <= 20
        listed += page["results"]
        next_page = page["next"]
    return listed


def create_conversations(person: Person, count: int) -> None:
    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(owner=person, title=f"Number {number}", asked_at=now - timedelta(minutes=number))
        for number in range(count)
    )


class TestList:
    def test_it_lists_own_conversations_newest_first_in_pages(
        self, owner: Client, teen: Person, stranger: Person
    ) -> None:
        create_conversations(teen, 45)
        create_conversations(stranger, 3)
        titles = [row["title"] for row in read_all(owner, LIST)]
        assert titles == [f"Number {number}" for number in range(45)]

    def test_rows_of_the_same_instant_are_listed_once_each(self, owner: Client, teen: Person) -> None:
        create_conversations(teen, 65)
        Conversation.objects.update(asked_at=timezone.now())
        titles = [row["title"] for row in read_all(owner, LIST)]
        assert len(titles) == len(set(titles)) == 65

    def test_a_page_costs_the_same_however_long_the_list(
        self, owner: Client, teen: Person, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        create_conversations(teen, 45)
        with django_assert_num_queries(2):
            owner.get(LIST)

    def test_sealed_conversations_are_left_out(self, teen: Person, as_person: AsPerson) -> None:
        create_conversations(teen, 2)
        Person.objects.filter(pk=teen.pk).update(sealed_before=timezone.now())
        assert as_person(teen).get(LIST).json()["results"] == []

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_other_peoples_conversations_are_left_out(
        self, who: str, teen: Person, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        create_conversations(teen, 2)
        assert as_person(request.getfixturevalue(who)).get(LIST).json()["results"] == []

    def test_a_visitor_is_asked_to_sign_in(self, client: Client, db: None) -> None:
        require_problem(client.get(LIST), "not-signed-in", 401)

    def test_an_invalid_cursor_is_not_found(self, owner: Client) -> None:
        require_problem(owner.get(LIST, {"cursor": "\0nonsense"}), "not-found", 404)


class TestTurns:
    @pytest.fixture
    def long(self, teen: Person) -> Conversation:
        conversation, now = Conversation.objects.create(owner=teen, title="Long"), timezone.now()
        Turn.objects.bulk_create(
            Turn(
                pk=uuid4(), conversation=conversation, question=f"Number {number}", state=TurnState.ANSWERED,
                asked_at=now + timedelta(minutes=number), ended_at=now + timedelta(minutes=number),
            )
            for number in range(25)
        )  # fmt: skip
        return conversation

    def test_they_come_oldest_first_page_by_page(self, owner: Client, long: Conversation) -> None:
        questions = [row["question"] for row in read_all(owner, f"{LIST}/{long.pk}/turns")]
        assert questions == [f"Number {number}" for number in range(25)]

    def test_rows_of_the_same_instant_are_listed_once_each(self, owner: Client, long: Conversation) -> None:
        long.turns.update(asked_at=timezone.now())
        questions = [row["question"] for row in read_all(owner, f"{LIST}/{long.pk}/turns")]
        assert len(questions) == len(set(questions)) == 25

    def test_one_that_a_retry_replaced_is_left_out(self, owner: Client, long: Conversation) -> None:
        failed = long.turns.earliest("asked_at")
        failed.replaced_by = Turn.objects.create(
            pk=uuid4(), conversation=long, question="Again", retry_of=failed, state=TurnState.ANSWERED,
            ended_at=timezone.now(),
        )  # fmt: skip
        failed.save(update_fields=["replaced_by"])
        questions = [row["question"] for row in read_all(owner, f"{LIST}/{long.pk}/turns")]
        assert "Number 0" not in questions
        assert "Again" in questions

    def test_a_page_costs_the_same_however_long_the_conversation(
        self, owner: Client, long: Conversation, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        long.turns.update(passages=["a-lesson#that-is-gone"])
        with django_assert_num_queries(5):
            owner.get(f"{LIST}/{long.pk}/turns")

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_they_are_not_found_by_anyone_else(
        self, who: str, long: Conversation, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        reply = as_person(request.getfixturevalue(who)).get(f"{LIST}/{long.pk}/turns")
        require_problem(reply, "not-found", 404)

    def test_a_visitor_is_asked_to_sign_in(self, client: Client, long: Conversation) -> None:
        require_problem(client.get(f"{LIST}/{long.pk}/turns"), "not-signed-in", 401)
