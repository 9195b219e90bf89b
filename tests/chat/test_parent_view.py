"""The parent view shows only what was agreed, and the teen sees each logged view (docs/safety.md)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Person
from chat.memory.notes import NoteKind
from chat.models import CHECK_IN_LAYER, Conversation, EndReason, MemoryChoice, Note, Turn, TurnState
from families.models import Link, ParentViewLog
from families.parent_view_log import LONGEST_ENTRY, SAME_ENTRY_WITHIN
from families.selectors import list_teens
from families.terms import ParentView
from kit.memory_policy import MemoryPolicy
from tests.chat.conversations import create_conversation, create_turns

Enter = Callable[[Person], Client]


def linked(parent: Person, teen: Person) -> Link:
    long_ago = timezone.now() - timedelta(days=60)
    return Link.objects.create(
        parent=parent,
        teen=teen,
        parent_view=ParentView.FULL,
        created_at=long_ago,
        flagged_since=long_ago,
        full_since=long_ago,
    )


@pytest.fixture
def link(parent: Person, teen: Person) -> Link:
    """A link whose agreement is old."""
    return linked(parent, teen)


@pytest.fixture
def conversation(teen: Person) -> Conversation:
    """120 turns with a crisis card, three days ago."""
    return create_conversation(teen, 120, state=TurnState.CARDED, level="3", answer="")


@pytest.fixture
def reader(link: Link, conversation: Conversation, as_person: Enter) -> Client:
    return as_person(link.parent)


def list_questions(page: str) -> list[int]:
    return [int(number) for number in re.findall(r"Question (\d+)<", page)]


def turn(conversation: Conversation, number: int) -> Turn:
    return conversation.turns.get(question=f"Question {number}")


def end_parent_view_entries() -> None:
    ParentViewLog.objects.update(last_opened_at=timezone.now() - SAME_ENTRY_WITHIN)


@pytest.mark.parametrize("parent_view", [ParentView.FLAGGED, ParentView.FULL])
class TestEveryTurnOfTheTwoWeeks:
    def test_can_be_read_page_by_page_as_one_entry(
        self, parent_view: ParentView, link: Link, reader: Client
    ) -> None:
        Link.objects.update(parent_view=parent_view)
        address, place, seen = f"/tutor/parent-view/{link.pk}", "", []
        while True:
            page = reader.get(address + place).content.decode()
            seen += list_questions(page)
            older = re.search(r'href="(\?before=[0-9a-f-]{36})"', page)
            if not older:
                break
            place = older[1]
        assert seen == list(range(119, -1, -1))
        assert [entry.parent_view for entry in ParentViewLog.objects.all()] == [parent_view]

    def test_no_older_turn_is_shown(
        self, parent_view: ParentView, link: Link, reader: Client, conversation: Conversation
    ) -> None:
        Link.objects.update(parent_view=parent_view)
        Turn.objects.filter(question="Question 0").update(asked_at=timezone.now() - timedelta(days=15))
        page = reader.get(f"/tutor/parent-view/{link.pk}?before={turn(conversation, 20).pk}").content.decode()
        assert list_questions(page) == list(range(19, 0, -1))


class TestALoggedView:
    def read(self, reader: Client, link: Link, before: object) -> str:
        return reader.get(
            f"/tutor/parent-view/{link.pk}", {"before": str(before)}, follow=True
        ).content.decode()

    def test_goes_on_with_every_page_that_is_opened_again(
        self, link: Link, reader: Client, teen: Person, as_person: Enter
    ) -> None:
        reader.get(f"/tutor/parent-view/{link.pk}")
        began = timezone.now() - timedelta(minutes=9)
        ParentViewLog.objects.update(first_opened_at=began, last_opened_at=began)
        for _ in range(5):
            reader.get(f"/tutor/parent-view/{link.pk}")
        entry = ParentViewLog.objects.get()
        assert (entry.first_opened_at, entry.last_opened_at - began > timedelta(minutes=8)) == (began, True)
        end = date_format(entry.last_opened_at.astimezone(teen.zone), "TIME_FORMAT")
        assert f"until {end}" in as_person(teen).get("/family/parent-views").content.decode()

    def test_lasts_an_hour_at_most_however_often_a_page_is_opened(self, link: Link, reader: Client) -> None:
        reader.get(f"/tutor/parent-view/{link.pk}")
        ParentViewLog.objects.update(first_opened_at=timezone.now() - LONGEST_ENTRY)
        reader.get(f"/tutor/parent-view/{link.pk}")
        assert ParentViewLog.objects.count() == 2

    @pytest.mark.parametrize(
        ("method", "headers", "status"),
        [
            ("head", {}, 200),
            ("get", {"Sec-Purpose": "prefetch"}, 403),
            ("get", {"Sec-Purpose": "prefetch;prerender"}, 403),
            ("get", {"Purpose": "prefetch"}, 403),
            ("get", {"X-Moz": "prefetch"}, 403),
            ("get", {"X-Purpose": "preview"}, 403),
            ("head", {"Purpose": "prefetch"}, 403),
        ],
    )
    def test_is_not_logged_for_a_prefetch_which_is_shown_nothing(
        self, method: str, headers: dict[str, str], status: int, link: Link, reader: Client
    ) -> None:
        reply = getattr(reader, method)(f"/tutor/parent-view/{link.pk}", headers=headers)
        assert (reply.status_code, reply.content) == (status, b"")
        assert "no-store" in reply.headers["Cache-Control"]
        assert not ParentViewLog.objects.exists()

    def test_ends_with_the_18th_birthday_even_before_the_nightly_task(
        self, link: Link, reader: Client, teen: Person, parent: Person
    ) -> None:
        today = timezone.localdate()
        Person.objects.filter(pk=teen.pk).update(born=today.replace(year=today.year - 18, day=1))
        assert reader.get(f"/tutor/parent-view/{link.pk}").status_code == 404
        for path in ("agreement", "consent", "password", "end"):
            assert reader.get(f"/family/links/{link.pk}/{path}").status_code == 404, path
        assert not ParentViewLog.objects.exists()
        assert not list_teens(parent).exists()
        page = reader.get("/family/").content.decode()
        assert str(link.pk) not in page
        assert "Invite your teen" in page

    def test_begins_with_a_further_page_if_none_was_opened_before(
        self, link: Link, reader: Client, conversation: Conversation
    ) -> None:
        assert list_questions(self.read(reader, link, turn(conversation, 60).pk))
        assert ParentViewLog.objects.count() == 1

    def test_is_over_after_ten_minutes(self, link: Link, reader: Client, conversation: Conversation) -> None:
        reader.get(f"/tutor/parent-view/{link.pk}")
        end_parent_view_entries()
        for _ in range(2):
            self.read(reader, link, turn(conversation, 60).pk)
        assert ParentViewLog.objects.count() == 2

    def test_of_one_parent_is_not_extended_by_the_other_parent(
        self, link: Link, teen: Person, conversation: Conversation, as_person: Enter, reader: Client
    ) -> None:
        other = Person.objects.create_user("lou", "a-long-password", role="parent")
        theirs = linked(other, teen)
        reader.get(f"/tutor/parent-view/{link.pk}")
        self.read(as_person(other), theirs, turn(conversation, 60).pk)
        assert ParentViewLog.objects.filter(link=theirs).count() == 1

    def test_at_a_narrower_view_agreed_between_two_pages_is_another(
        self, link: Link, reader: Client, conversation: Conversation
    ) -> None:
        create_turns(conversation, 1, start=timezone.now(), question="Question 900")
        reader.get(f"/tutor/parent-view/{link.pk}")
        Link.objects.update(parent_view=ParentView.FLAGGED)
        Turn.objects.filter(question="Question 30").update(state=TurnState.ANSWERED)
        page = self.read(reader, link, turn(conversation, 60).pk)
        assert list_questions(page) == [number for number in range(59, 8, -1) if number != 30]
        assert sorted(entry.parent_view for entry in ParentViewLog.objects.all()) == [
            ParentView.FLAGGED,
            ParentView.FULL,
        ]

    def test_at_time_and_topics_shows_no_word_of_a_further_page(
        self, link: Link, reader: Client, conversation: Conversation
    ) -> None:
        reader.get(f"/tutor/parent-view/{link.pk}")
        Link.objects.update(parent_view=ParentView.TOPICS)
        page = self.read(reader, link, turn(conversation, 60).pk)
        assert list_questions(page) == []
        assert "Time in the last two weeks" in page
        assert {entry.parent_view for entry in ParentViewLog.objects.all()} == {
            ParentView.FULL,
            ParentView.TOPICS,
        }

    @pytest.mark.parametrize(
        "hidden",
        [
            {"level": "S"},
            {"categories": ["unsafe_home"]},
            {"asked_at": timezone.now() - timedelta(days=20)},
        ],
    )
    @pytest.mark.parametrize("parent_view", [ParentView.FLAGGED, ParentView.FULL])
    def test_does_not_tell_that_a_hidden_turn_is_there(
        self,
        parent_view: ParentView,
        hidden: dict[str, object],
        link: Link,
        reader: Client,
        conversation: Conversation,
    ) -> None:
        Link.objects.update(parent_view=parent_view)
        earliest = turn(conversation, 60)
        Turn.objects.filter(pk=earliest.pk).update(**hidden)
        answer, unknown = (
            reader.get(f"/tutor/parent-view/{link.pk}", {"before": str(before)}).headers["Location"]
            for before in (earliest.pk, uuid4())
        )
        assert answer == unknown == f"/tutor/parent-view/{link.pk}"
        assert not ParentViewLog.objects.exists()

    def test_at_flagged_hides_a_card_that_followed_a_check_in(
        self, link: Link, reader: Client, conversation: Conversation
    ) -> None:
        Link.objects.update(parent_view=ParentView.FLAGGED)
        Turn.objects.filter(question="Question 60").update(layer=CHECK_IN_LAYER)
        assert (
            reader.get(f"/tutor/parent-view/{link.pk}?before={turn(conversation, 60).pk}").status_code == 302
        )
        assert 60 not in list_questions(self.read(reader, link, turn(conversation, 61).pk))

    def test_is_over_with_the_link_between_two_pages(
        self, link: Link, reader: Client, conversation: Conversation
    ) -> None:
        reader.get(f"/tutor/parent-view/{link.pk}")
        Link.objects.update(ended_at=timezone.now(), end_reason="teen")
        reply = reader.get(f"/tutor/parent-view/{link.pk}", {"before": str(turn(conversation, 60).pk)})
        assert reply.status_code == 404
        assert ParentViewLog.objects.count() == 1

    def test_goes_back_to_its_beginning_when_its_place_was_deleted(
        self, link: Link, reader: Client, conversation: Conversation, teen: Person
    ) -> None:
        place = turn(conversation, 60).pk
        create_conversation(teen, 1, title="Another")
        conversation.delete()
        assert list_questions(self.read(reader, link, place)) == [0]
        assert ParentViewLog.objects.count() == 1

    @pytest.mark.parametrize("before", ["", "x", "1_2"])
    def test_redirects_there_from_an_invalid_address(self, before: str, link: Link, reader: Client) -> None:
        assert reader.get(f"/tutor/parent-view/{link.pk}", {"before": before}).status_code == 302

    def test_leads_to_nothing_of_another_family(self, link: Link, stranger: Person, reader: Client) -> None:
        theirs = turn(create_conversation(stranger, 3), 2)
        assert reader.get(f"/tutor/parent-view/{link.pk}", {"before": str(theirs.pk)}).status_code == 302
        assert not ParentViewLog.objects.exists()

    @pytest.mark.parametrize("who", ["teen", "stranger", "other_parent", "admin_person"])
    def test_is_only_for_a_linked_parent(
        self, who: str, link: Link, conversation: Conversation, make_person: Callable[..., Person], as_person: Enter,
        request: pytest.FixtureRequest,
    ) -> None:  # fmt: skip
        person = make_person("lou", "parent") if who == "other_parent" else request.getfixturevalue(who)
        reply = as_person(person).get(
            f"/tutor/parent-view/{link.pk}", {"before": str(turn(conversation, 60).pk)}
        )
        assert reply.status_code == 404
        assert not ParentViewLog.objects.exists()

    def test_asks_for_sign_in(self, link: Link, conversation: Conversation, client: Client) -> None:
        reply = client.get(f"/tutor/parent-view/{link.pk}", {"before": str(turn(conversation, 60).pk)})
        assert reply.headers["Location"].startswith("/sign-in")

    def test_is_explained_to_the_teen(self, link: Link, teen: Person, as_person: Enter) -> None:
        page = as_person(teen).get("/family/parent-views").content.decode()
        assert "within 10 minutes of each other" in page


class TestWhatAParentReads:
    """The same texts, cards and end reasons as on the teen's page, without the teen's buttons."""

    @pytest.fixture
    def read(self, link: Link, teen: Person, as_person: Enter) -> Callable[..., str]:
        def reading(**turn: Any) -> str:
            conversation = create_conversation(teen, 1, **turn)
            assert conversation.turns.count() == 1
            return as_person(link.parent).get(f"/tutor/parent-view/{link.pk}").content.decode()

        return reading

    def test_is_rendered_as_for_the_teen(self, read: Callable[..., str]) -> None:
        page = read(answer="Since **so** \\(x^2\\):\n\n```python\nx = 1\n```", question="a\n    b")
        assert "<strong>so</strong> <math><msup>" in page
        assert '<span class="mi">1</span>' in page
        assert '<p dir="auto">a\n    b</p>' in page
        assert "css/prose.css" in page

    def test_has_its_card(self, read: Callable[..., str]) -> None:
        assert 'class="card-crisis"' in read(state=TurnState.CARDED, level="3", answer="")

    def test_has_its_fixed_words(self, read: Callable[..., str]) -> None:
        page = read(state=TurnState.CUT, answer="")
        assert 'class="fixed-text"' in page
        assert "Ask in another way" not in page

    def test_shows_the_end_reason_without_a_button(self, read: Callable[..., str]) -> None:
        page = read(state=TurnState.FAILED, end_reason=EndReason.MODEL_SILENT, answer="Half")
        assert "The model stopped responding." in page
        assert "You can try again" not in page
        assert "turn_retry" not in page
        assert ">Retry<" not in page

    def test_does_not_tell_the_parent_that_they_stopped_the_answer(self, read: Callable[..., str]) -> None:
        page = read(state=TurnState.STOPPED, answer="Half")
        assert "The answer was stopped here." in page
        assert "You stopped" not in page

    def test_reads_fifty_turns_with_few_statements(
        self, link: Link, teen: Person, as_person: Enter, django_assert_max_num_queries: Callable[..., Any]
    ) -> None:
        create_conversation(teen, 50)
        parent = as_person(link.parent)
        with django_assert_max_num_queries(30):
            parent.get(f"/tutor/parent-view/{link.pk}")


class TestMemory:
    """A parent sees that the tutor remembers, and what it remembers only in the full view."""

    @pytest.fixture
    def noted(self, teen: Person) -> Note:
        conversation = create_conversation(teen, 1, state=TurnState.ANSWERED, answer="It is.")
        return Note.objects.create(
            conversation=conversation,
            turn=conversation.turns.get(),
            kind=NoteKind.FACT,
            text="My bridge is 62 cm long.",
            tokens=12,
        )

    def read(self, link: Link, as_person: Enter) -> str:
        page = as_person(link.parent).get(f"/tutor/parent-view/{link.pk}").content.decode()
        return " ".join(page.split())

    @pytest.mark.parametrize("parent_view", ParentView)
    def test_says_how_much_in_each_view_and_what_in_the_full_one(
        self, parent_view: ParentView, link: Link, noted: Note, as_person: Enter
    ) -> None:
        Link.objects.update(parent_view=parent_view)
        page = self.read(link, as_person)
        assert "The latest questions and answers, and notes from the earlier ones." in page
        assert (noted.text in page) is (parent_view == ParentView.FULL)

    def test_says_what_was_agreed(self, link: Link, noted: Note, as_person: Enter) -> None:
        Link.objects.update(memory=MemoryPolicy.NONE)
        assert "Nothing: each question is on its own." in self.read(link, as_person)

    def test_says_if_notes_are_used_in_new_conversations(
        self, link: Link, noted: Note, as_person: Enter
    ) -> None:
        MemoryChoice.objects.create(owner=link.teen)
        told = "New conversations use notes from earlier ones."
        assert told not in self.read(link, as_person)
        Link.objects.update(allows_spanning_notes=True)
        assert told in self.read(link, as_person)

    def test_a_note_of_a_turn_that_may_not_be_read_stays_private(
        self, link: Link, noted: Note, as_person: Enter
    ) -> None:
        noted.turn.level = "S"
        noted.turn.save()
        assert noted.text not in self.read(link, as_person)
