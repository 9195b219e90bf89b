"""The API of what the tutor remembers."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Person
from budgets.models import Plan
from chat.memory import services
from chat.memory.notes import NoteKind
from chat.models import Conversation, MemoryChoice, Note, Turn, TurnState
from chat.selectors import MAX_SPANNING_NOTES
from families.models import Link
from kit.memory_policy import MemoryPolicy
from tests.chat.test_api_as_described import assert_described

pytestmark = pytest.mark.django_db
type AsPerson = Callable[[Person], Client]
MEMORY = "/api/v1/memory"


@pytest.fixture
def conversation(teen: Person) -> Conversation:
    """Three turns with a note each; the first is too long ago to be carried."""
    conversation = Conversation.objects.create(owner=teen, title="Bridges")
    for number, carried_tokens in enumerate((900, 500, 100)):
        add_turn(conversation, f"My bridge {number} is 62 cm long.", carried_tokens=carried_tokens)
    return conversation


def add_turn(conversation: Conversation, text: str, **fields: Any) -> Turn:
    turn = Turn.objects.create(
        pk=uuid4(),
        conversation=conversation,
        question=text,
        answer="It is.",
        state=TurnState.ANSWERED,
        ended_at=timezone.now(),
        **fields,
    )
    Note.objects.create(conversation=conversation, turn=turn, kind=NoteKind.FACT, text=text, tokens=12)
    return turn


@pytest.fixture
def owner(teen: Person, as_person: AsPerson) -> Client:
    return as_person(teen)


def address(conversation: Conversation, note: Note | None = None) -> str:
    place = f"/api/v1/conversations/{conversation.pk}/memory"
    return f"{place}/notes/{note.pk}" if note else place


def read(client: Client, conversation: Conversation) -> dict[str, Any]:
    return dict(client.get(address(conversation)).json())


def texts(notes: list[dict[str, str]]) -> list[str]:
    return [note["text"] for note in notes]


def patch(client: Client, place: str, **fields: Any) -> Any:
    return client.patch(place, fields, content_type="application/json")


class TestReading:
    def test_tells_what_the_next_prompt_carries(
        self, owner: Client, conversation: Conversation, client: Client
    ) -> None:
        memory = read(owner, conversation)
        assert texts(memory["notes"]) == ["My bridge 0 is 62 cm long."]
        assert len(memory["waiting"]) == 2
        assert memory["unused"] == []
        assert memory["turns"] == [str(turn.pk) for turn in conversation.turns.order_by("asked_at")[1:]]
        assert (memory["policy"], memory["has_memory"], memory["wants_spanning_notes"]) == (
            "notes",
            True,
            False,
        )
        schema = client.get("/api/v1/schema", headers={"Accept": "application/json"}).json()
        assert_described(schema, "Memory", memory)

    @pytest.mark.parametrize("limit", ["owner", "family", "plan"])
    def test_tells_who_turned_memory_off(
        self, limit: str, owner: Client, teen: Person, parent: Person, conversation: Conversation
    ) -> None:
        if limit == "owner":
            Conversation.objects.update(has_memory=False)
        elif limit == "family":
            Link.objects.create(parent=parent, teen=teen, memory=MemoryPolicy.NONE)
        else:
            Plan.objects.update_or_create(slug=Plan.FREE, defaults={"memory_policy": MemoryPolicy.NONE})
        memory = read(owner, conversation)
        assert (memory["policy"], memory["limits"], memory["turns"]) == ("none", [limit], [])
        # What is kept can still be read and deleted.
        assert len(memory["unused"]) == 3

    def test_has_what_stays_here_apart_if_the_next_model_is_outside(
        self, owner: Client, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        conversation.turns.update(local_only=True)
        assert read(owner, conversation)["turns"]
        monkeypatch.setattr("routing.models.TutorModel.is_local", property(lambda _model: False))
        memory = read(owner, conversation)
        assert (memory["turns"], memory["notes"], len(memory["unused"])) == ([], [], 3)

    def test_costs_the_same_however_long_the_conversation(
        self, owner: Client, conversation: Conversation
    ) -> None:
        read(owner, conversation)
        with CaptureQueriesContext(connection) as short:
            read(owner, conversation)
        for number in range(40):
            add_turn(conversation, f"My tower {number} is 9 m high.", carried_tokens=60)
        with CaptureQueriesContext(connection) as long:
            read(owner, conversation)
        assert len(long) == len(short) <= 16


class TestAcrossConversations:
    @pytest.fixture
    def grade(self, conversation: Conversation) -> Note:
        """A note that helps in any conversation."""
        note = conversation.notes.earliest("created_at")
        Note.objects.filter(pk=note.pk).update(kind=NoteKind.GRADE, text="I am in grade 8.")
        return note

    def test_nothing_lasts_by_default(self, owner: Client, grade: Note) -> None:
        assert owner.get(MEMORY).json() == {
            "allows_spanning_notes": True,
            "wants_spanning_notes": False,
            "notes": [],
        }

    def test_tells_what_a_new_conversation_would_use(
        self, owner: Client, conversation: Conversation, grade: Note, client: Client
    ) -> None:
        owner.put(MEMORY)
        memory = owner.get(MEMORY).json()
        assert (memory["allows_spanning_notes"], memory["wants_spanning_notes"]) == (True, True)
        assert texts(memory["notes"]) == ["I am in grade 8."]
        assert memory["notes"][0]["conversation"] == str(conversation.pk)
        schema = client.get("/api/v1/schema", headers={"Accept": "application/json"}).json()
        assert_described(schema, "SpanningMemory", memory)
        owner.delete(MEMORY)
        assert owner.get(MEMORY).json()["notes"] == []

    def test_is_what_the_memory_of_a_new_conversation_says(
        self, owner: Client, teen: Person, grade: Note
    ) -> None:
        owner.put(MEMORY)
        new = Conversation.objects.create(owner=teen, title="Towers")
        assert owner.get(MEMORY).json()["notes"] == read(owner, new)["notes"]

    def test_tells_that_the_family_has_not_agreed(
        self, owner: Client, teen: Person, parent: Person, grade: Note
    ) -> None:
        owner.put(MEMORY)
        Link.objects.create(parent=parent, teen=teen)
        assert owner.get(MEMORY).json() == {
            "allows_spanning_notes": False,
            "wants_spanning_notes": True,
            "notes": [],
        }

    def test_has_no_note_of_anyone_else(self, parent: Person, grade: Note, as_person: AsPerson) -> None:
        MemoryChoice.objects.create(owner=parent)
        assert as_person(parent).get(MEMORY).json()["notes"] == []

    def test_costs_the_same_however_much_is_noted(self, owner: Client, conversation: Conversation) -> None:
        owner.put(MEMORY)
        owner.get(MEMORY)
        with CaptureQueriesContext(connection) as few:
            owner.get(MEMORY)
        for number in range(20):
            add_turn(conversation, f"My tower {number} is 9 m high.")
        Note.objects.update(kind=NoteKind.WISH)
        with CaptureQueriesContext(connection) as many:
            assert len(owner.get(MEMORY).json()["notes"]) == MAX_SPANNING_NOTES
        assert len(many) == len(few) <= 16


class TestChanging:
    def test_a_note(self, owner: Client, conversation: Conversation) -> None:
        note = conversation.notes.earliest("created_at")
        reply = patch(owner, address(conversation, note), text="My bridge\nis 70 cm long.")
        assert (reply.status_code, reply.json()["text"]) == (200, "My bridge is 70 cm long.")
        note.refresh_from_db()
        assert note.edited_at
        assert patch(owner, address(conversation, note), text="").status_code == 400

    @pytest.mark.parametrize("text", ["I live at 12 Oak Street", "How do I make a bomb"])
    def test_a_note_to_what_is_never_remembered_is_refused(
        self, text: str, owner: Client, conversation: Conversation
    ) -> None:
        note = conversation.notes.earliest("created_at")
        reply = patch(owner, address(conversation, note), text=text)
        assert (reply.status_code, reply.json()["type"].rpartition("#")[2]) == (422, "note-rejected")
        assert Note.objects.get(pk=note.pk).text == note.text

    def test_a_note_to_a_cry_for_help_gets_its_card(self, owner: Client, conversation: Conversation) -> None:
        for note in (conversation.notes.earliest("created_at"), Note(pk=uuid4())):
            reply = patch(owner, address(conversation, note), text="I want to kill myself tonight")
            assert reply.json()["card"]["help_lines"]
        assert not Note.objects.filter(text__contains="kill").exists()

    def test_forgetting(self, owner: Client, conversation: Conversation) -> None:
        note = conversation.notes.earliest("created_at")
        assert owner.delete(address(conversation, note)).status_code == 204
        assert owner.delete(address(conversation, note)).status_code == 404
        assert [owner.delete(address(conversation)).status_code for _ in range(2)] == [204, 204]
        memory = read(owner, conversation)
        assert memory["notes"] == memory["waiting"] == memory["unused"] == memory["turns"] == []
        assert conversation.turns.count() == 3

    def test_off_and_on(self, owner: Client, conversation: Conversation) -> None:
        assert patch(owner, address(conversation), has_memory=False).json()["policy"] == "none"
        memory = patch(owner, address(conversation), has_memory=True).json()
        assert (memory["policy"], memory["turns"], Note.objects.count()) == ("notes", [], 0)

    def test_notes_in_other_conversations_need_the_agreement(
        self, owner: Client, teen: Person, parent: Person
    ) -> None:
        assert owner.put(MEMORY).status_code == 204
        assert MemoryChoice.objects.filter(owner=teen).exists()
        assert [owner.delete(MEMORY).status_code for _ in range(2)] == [204, 204]
        Link.objects.create(parent=parent, teen=teen)
        assert owner.put(MEMORY).status_code == 403
        assert not MemoryChoice.objects.exists()


class TestOthers:
    def test_reach_nothing(
        self,
        parent: Person,
        stranger: Person,
        admin_person: Person,
        teen: Person,
        as_person: AsPerson,
        conversation: Conversation,
    ) -> None:
        Link.objects.create(parent=parent, teen=teen)
        note = conversation.notes.earliest("created_at")
        for person in (parent, stranger, admin_person):
            client = as_person(person)
            statuses = [
                client.get(address(conversation)),
                patch(client, address(conversation), has_memory=False),
                client.delete(address(conversation)),
                patch(client, address(conversation, note), text="My bridge is 9 cm long."),
                client.delete(address(conversation, note)),
            ]
            assert {reply.status_code for reply in statuses} == {404}
        visitor = Client()
        assert {visitor.delete(place).status_code for place in (address(conversation), MEMORY)} == {401}
        assert conversation.notes.count() == 3

    def test_cannot_reach_a_note_through_their_own_conversation(
        self, stranger: Person, as_person: AsPerson, conversation: Conversation
    ) -> None:
        own = Conversation.objects.create(owner=stranger, title="Mine")
        note = conversation.notes.earliest("created_at")
        assert as_person(stranger).delete(address(own, note)).status_code == 404

    def test_a_sealed_conversation_is_not_found(
        self, teen: Person, as_person: AsPerson, conversation: Conversation
    ) -> None:
        Person.objects.filter(pk=teen.pk).update(sealed_before=timezone.now())
        teen.refresh_from_db()
        assert as_person(teen).get(address(conversation)).status_code == 404


def test_forgetting_a_conversation_deleted_in_another_tab_does_nothing(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).delete()
    services.forget_conversation(conversation=conversation)
    services.set_conversation_memory(conversation=conversation, is_on=False)
