"""A long conversation opens with its newest turns; all others, and all conversations, are reached by links."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from chat.web.conversation import TURNS_PER_PAGE, get_newest_turns, get_turn_url, get_turns_page
from routing.registry import list_models
from tests.chat.conversations import create_conversation, create_turns
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


@pytest.fixture
def long(teen: Person) -> Conversation:
    """120 turns."""
    return create_conversation(teen, 120)


def turn(conversation: Conversation, number: int) -> Turn:
    return conversation.turns.get(question=f"Question {number}")


def list_questions(page: str) -> list[int]:
    """Return the questions on a page, in order."""
    return [int(number) for number in re.findall(r"Question (\d+)</p>", page)]


def read(client: Client, conversation: Conversation, **place: object) -> str:
    given = {name: str(pk) for name, pk in place.items()}
    return client.get(reverse("chat:conversation", args=[conversation.pk]), given).content.decode()


class TestAConversation:
    def test_opens_with_its_newest_turns(self, owner: Client, long: Conversation) -> None:
        page = read(owner, long)
        assert list_questions(page) == list(range(70, 120))
        assert f"?before={turn(long, 70).pk}" in page
        assert "Later" not in page

    def test_goes_back_page_by_page_to_its_beginning(self, owner: Client, long: Conversation) -> None:
        seen: list[int] = []
        page = read(owner, long)
        while True:
            seen[:0] = list_questions(page)
            earlier = re.search(r'href="[^"]*\?before=([0-9a-f-]{36})"', page)
            if not earlier:
                break
            page = read(owner, long, before=earlier[1])
        assert seen == list(range(120))

    def test_can_be_read_forward_to_its_end(self, owner: Client, long: Conversation) -> None:
        page = read(owner, long, at=turn(long, 0).pk)
        seen = list_questions(page)
        while later := re.search(r'href="[^"]*\?after=([0-9a-f-]{36})"', page):
            page = read(owner, long, after=later[1])
            seen += list_questions(page)
        assert seen == list(range(120))

    def test_opens_around_a_turn_that_a_link_names(self, owner: Client, long: Conversation) -> None:
        page = read(owner, long, at=turn(long, 40).pk)
        assert list_questions(page) == list(range(15, 65))
        assert f"?before={turn(long, 15).pk}" in page
        assert f"?after={turn(long, 64).pk}" in page

    def test_opens_around_the_place_of_a_turn_that_was_tried_again(
        self, owner: Client, long: Conversation
    ) -> None:
        failed = turn(long, 40)
        create_turns(long, 1, start=timezone.now(), question="Question 40", retry_of=failed)
        failed.replaced_by = failed.retries.get()
        failed.save(update_fields=["replaced_by"])
        page = read(owner, long, at=failed.pk)
        assert list_questions(page) == [*range(15, 40), *range(41, 66)]

    def test_of_one_instant_skips_and_repeats_nothing(self, teen: Person) -> None:
        conversation = create_conversation(teen, 0)
        create_turns(conversation, 120, start=timezone.now(), minutes=0)
        page, seen = get_newest_turns(conversation), 0
        keys = set()
        while page.turns:
            keys |= {turn.pk for turn in page.turns}
            seen += len(page.turns)
            page = get_turns_page(conversation, {"before": str(page.first.pk)})
        assert seen == len(keys) == 120

    def test_of_one_page_has_no_way_to_another(self, owner: Client, teen: Person) -> None:
        page = read(owner, create_conversation(teen, TURNS_PER_PAGE))
        assert "?before=" not in page
        assert "earlier.js" not in page

    def test_costs_the_same_however_long_it_is(
        self, owner: Client, teen: Person, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The models are read now and then, not for each page.
        list_models()
        # The first page of a session is recorded in it.
        owner.get("/tutor/")
        for count in (60, 400):
            conversation = create_conversation(teen, count)
            with django_assert_num_queries(10):
                read(owner, conversation)

    def test_of_400_turns_is_as_small_as_a_page(self, owner: Client, teen: Person) -> None:
        answer = "\n\n".join(["**Rain** falls when *drops* grow heavy. " * 6] * 5)
        page = read(owner, create_conversation(teen, 400, answer=answer))
        assert len(page.encode()) < 400_000

    @pytest.mark.parametrize("name", ["at", "before", "after"])
    @pytest.mark.parametrize("given", ["", "1", "\0", "00000000-0000-4000-8000-000000000000"])
    def test_has_no_page_at_an_id_that_is_not_its_turn(
        self, name: str, given: str, owner: Client, long: Conversation
    ) -> None:
        address = reverse("chat:conversation", args=[long.pk])
        assert owner.get(address, {name: given}).status_code == 404

    @pytest.mark.parametrize("name", ["at", "before", "after"])
    def test_has_no_page_at_a_turn_of_another_conversation(
        self, name: str, owner: Client, long: Conversation, stranger: Person
    ) -> None:
        other = create_conversation(stranger, 1)
        address = reverse("chat:conversation", args=[long.pk])
        assert owner.get(address, {name: str(turn(other, 0).pk)}).status_code == 404

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    @pytest.mark.parametrize("name", ["at", "before", "after"])
    def test_has_no_page_for_anyone_else(
        self, name: str, who: str, long: Conversation, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        client = as_person(request.getfixturevalue(who))
        address = reverse("chat:conversation", args=[long.pk])
        assert client.get(address, {name: str(turn(long, 40).pk)}).status_code == 404


class TestALiveTurn:
    def test_is_on_the_newest_page_also_below_more_cards_than_fill_one(
        self, owner: Client, long: Conversation
    ) -> None:
        now = timezone.now()
        [live] = create_turns(
            long, 1, start=now, question="Question 500", state=TurnState.QUEUED, ended_at=None
        )
        create_turns(long, 60, start=now + timedelta(seconds=1), state=TurnState.CARDED, level="3")
        page = get_newest_turns(long)
        assert page.turns[0] == live
        assert len(page.turns) == 61
        assert page.has_earlier
        assert reverse("chat:turn_stream", args=[live.pk]) in read(owner, long)

    def test_comes_with_the_newest_page_when_another_question_is_asked_meanwhile(
        self, owner: Client, long: Conversation
    ) -> None:
        [live] = create_turns(long, 1, start=timezone.now(), state=TurnState.QUEUED, ended_at=None)
        form = {"question": "And now?", "turn_id": uuid4()}
        reply = owner.post(reverse("chat:ask_in", args=[long.pk]), form, headers=HTMX)
        body = reply.content.decode()
        assert reverse("chat:turn_stream", args=[live.pk]) in body
        assert f"?before={turn(long, 71).pk}" in body


class TestEarlierTurns:
    """The turns that htmx inserts above those on the page."""

    def test_come_alone_and_say_how_many_they_are(self, owner: Client, long: Conversation) -> None:
        address = reverse("chat:conversation", args=[long.pk])
        reply = owner.get(address, {"before": str(turn(long, 70).pk)}, headers=HTMX)
        body = reply.content.decode()
        assert "<html" not in body
        assert list_questions(body) == list(range(20, 70))
        assert "50 earlier questions were added above." in body
        assert "HX-Request" in reply.headers["Vary"]

    def test_say_when_they_are_the_first(self, owner: Client, long: Conversation) -> None:
        address = reverse("chat:conversation", args=[long.pk])
        reply = owner.get(address, {"before": str(turn(long, 1).pk)}, headers=HTMX)
        body = squeezed(reply.content.decode())
        assert "1 earlier question was added above. This is the start of the conversation." in body
        assert "?before=" not in body


class TestAfterAPost:
    @pytest.mark.parametrize(
        ("name", "form"),
        [
            ("chat:turn_report", {"reason": "wrong"}),
            ("chat:turn_report_withdraw", {}),
            ("chat:turn_check_in", {"answer": "no"}),
            ("chat:turn_stop", {}),
            ("chat:turn_retry", {"turn_id": "00000000-0000-4000-8000-000000000000"}),
        ],
    )
    def test_about_an_old_turn_one_lands_where_it_is(
        self, name: str, form: dict[str, str], owner: Client, long: Conversation
    ) -> None:
        old = turn(long, 3)
        reply = owner.post(reverse(name, args=[old.pk]), form)
        address, _, fragment = reply.headers["Location"].partition("#")
        assert fragment == f"turn-{old.pk}"
        assert f'id="{fragment}"' in owner.get(address).content.decode()

    def test_about_a_new_one_one_lands_on_the_newest_page(self, long: Conversation) -> None:
        assert "?" in get_turn_url(turn(long, 69))
        assert "?" not in get_turn_url(turn(long, 70))

    def test_a_question_asked_below_old_turns_opens_the_newest_page(
        self, owner: Client, long: Conversation
    ) -> None:
        address = reverse("chat:conversation", args=[long.pk])
        headers = HTMX | {"HX-Current-URL": f"http://testserver{address}?at={turn(long, 3).pk}"}
        form = {"question": "And now?", "turn_id": uuid4()}
        reply = owner.post(reverse("chat:ask_in", args=[long.pk]), form, headers=headers)
        assert reply.headers["HX-Redirect"] == f"{address}#turn-{form['turn_id']}"

    def test_the_way_to_a_pause_that_is_further_back_leads_there(
        self, owner: Client, long: Conversation
    ) -> None:
        paused = turn(long, 3)
        Conversation.objects.filter(pk=long.pk).update(asked_at=timezone.now())
        Turn.objects.filter(pk=paused.pk).update(
            state=TurnState.PAUSED, level="2", categories=["hopelessness"], ended_at=timezone.now()
        )
        assert f"?at={paused.pk}#turn-{paused.pk}" in owner.get(reverse("chat:start")).content.decode()


class TestTheList:
    LIST = "/tutor/conversations"

    @pytest.fixture
    def many(self, teen: Person) -> None:
        now = timezone.now()
        Conversation.objects.bulk_create(
            Conversation(owner=teen, title=f"Number {number}.", asked_at=now - timedelta(hours=number))
            for number in range(75)
        )

    def list_titles(self, page: str) -> list[int]:
        return [int(number) for number in re.findall(r'conversation-title">Number (\d+)\.', page)]

    def find_older_link(self, page: str) -> str:
        match = re.search(r'href="\?(before=[^"]+)"', page)
        return f"{self.LIST}?{match[1]}" if match else ""

    def test_has_every_conversation_page_by_page(self, owner: Client, many: None) -> None:
        seen, address = [], self.LIST
        while address:
            page = owner.get(address).content.decode()
            seen += self.list_titles(page)
            address = self.find_older_link(page)
        assert seen == list(range(75))

    def test_beside_the_tutor_has_the_newest_and_a_link_to_all(self, owner: Client, many: None) -> None:
        page = owner.get(reverse("chat:start")).content.decode()
        assert self.list_titles(page) == list(range(20))
        assert f'href="{self.LIST}"' in page

    def test_skips_and_repeats_nothing_when_a_conversation_is_asked_in_meanwhile(
        self, owner: Client, many: None
    ) -> None:
        first = owner.get(self.LIST).content.decode()
        Conversation.objects.filter(title="Number 70.").update(asked_at=timezone.now())
        Conversation.objects.filter(title="Number 29.").update(asked_at=timezone.now())
        second = owner.get(self.find_older_link(first)).content.decode()
        assert self.list_titles(first) + self.list_titles(second) == list(range(60))

    def test_skips_nothing_when_the_last_conversation_of_a_page_is_deleted_meanwhile(
        self, owner: Client, many: None
    ) -> None:
        first = owner.get(self.LIST).content.decode()
        Conversation.objects.filter(title="Number 29.").delete()
        assert self.list_titles(owner.get(self.find_older_link(first)).content.decode()) == list(
            range(30, 60)
        )

    def test_skips_and_repeats_no_conversations_of_the_same_instant(self, owner: Client, many: None) -> None:
        Conversation.objects.update(asked_at=timezone.now())
        seen, address = [], self.LIST
        while address:
            page = owner.get(address).content.decode()
            seen += self.list_titles(page)
            address = self.find_older_link(page)
        assert sorted(seen) == list(range(75))

    def test_costs_the_same_however_long(
        self, owner: Client, many: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(3):
            owner.get(self.LIST)

    def test_renames_and_comes_back_to_its_page(self, owner: Client, many: None) -> None:
        page = owner.get(self.find_older_link(owner.get(self.LIST).content.decode())).content.decode()
        conversation = Conversation.objects.get(title="Number 31.")
        listed = re.search(rf'name="listed"\s+value="([^"]+{conversation.pk})"', page)
        assert listed
        address = listed[1].replace("&amp;", "&")
        reply = owner.post(
            reverse("chat:rename", args=[conversation.pk]), {"title": "Skies", "listed": address}
        )
        assert reply.headers["Location"] == address
        assert "Skies" in owner.get(address).content.decode()

    def test_deletes_and_comes_back_to_its_page(self, owner: Client, many: None) -> None:
        page = owner.get(self.LIST).content.decode()
        conversation = Conversation.objects.get(title="Number 3.")
        way = re.search(rf'href="({reverse("chat:delete", args=[conversation.pk])}\?listed=[^"]+)"', page)
        assert way
        assert f'href="{self.LIST}"' in owner.get(way[1]).content.decode()
        assert owner.post(way[1]).headers["Location"] == self.LIST
        assert not Conversation.objects.filter(pk=conversation.pk).exists()

    @pytest.mark.parametrize("listed", ["https://evil.example/", "//evil.example", "/admin/", "javascript:1"])
    def test_leads_nowhere_else(self, listed: str, owner: Client, teen: Person) -> None:
        conversation = create_conversation(teen, 1)
        reply = owner.post(reverse("chat:delete", args=[conversation.pk]) + f"?listed={listed}")
        assert reply.headers["Location"] == reverse("chat:start")

    def test_says_when_it_is_empty(self, owner: Client) -> None:
        page = owner.get(self.LIST).content.decode()
        assert "will appear here" in page
        assert 'role="search"' not in page

    def test_leaves_out_sealed_conversations(self, teen: Person, many: None, as_person: AsPerson) -> None:
        Person.objects.filter(pk=teen.pk).update(sealed_before=timezone.now() + timedelta(minutes=1))
        teen.refresh_from_db()
        assert self.list_titles(as_person(teen).get(self.LIST).content.decode()) == []

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_has_nothing_of_anyone_else(
        self, who: str, many: None, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        page = as_person(request.getfixturevalue(who)).get(self.LIST).content.decode()
        assert self.list_titles(page) == []

    def test_asks_for_sign_in(self, client: Client, db: None) -> None:
        assert client.get(self.LIST).headers["Location"].startswith("/sign-in")

    @pytest.mark.parametrize(
        "cursor", ["x", "1", "1_x", f"{'9' * 40}_00000000-0000-4000-8000-000000000000", "\0"]
    )
    def test_has_no_page_at_an_invalid_cursor(self, cursor: str, owner: Client) -> None:
        assert owner.get(self.LIST, {"before": cursor}).status_code == 404
