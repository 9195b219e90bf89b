"""The Stop button is on the page only while it shows an answer that is being written."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from chat.web.conversation import TurnsPage, get_newest_turns

AsPerson = Callable[[Person], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


def end(turn: Turn) -> None:
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer="Rayleigh.", ended_at=timezone.now()
    )


def has_stop(page: str) -> bool:
    return "/stop" in page


def has_stream(page: str) -> bool:
    return "data-stream" in page


def test_a_turn_that_ends_while_the_page_is_made_leaves_no_stop_without_its_stream(
    owner: Client, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_end(conversation: Conversation) -> TurnsPage:
        page = get_newest_turns(conversation)
        end(turn)
        return page

    monkeypatch.setattr("chat.web.conversation.get_newest_turns", read_then_end)
    page = owner.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    # The stream tells the page at once that the turn has ended, and brings the Ask button.
    assert has_stop(page)
    assert has_stream(page)


def test_a_turn_that_ends_before_the_page_is_made_leaves_none(owner: Client, turn: Turn) -> None:
    end(turn)
    page = owner.get(reverse("chat:conversation", args=[turn.conversation_id])).content.decode()
    assert not has_stop(page)
    assert not has_stream(page)


def test_stopping_a_turn_that_has_ended_brings_its_answer_and_the_ask_button(
    owner: Client, turn: Turn
) -> None:
    end(turn)
    swaps = owner.post(reverse("chat:turn_stop", args=[turn.pk]), headers=HTMX).content.decode()
    assert "Rayleigh." in swaps
    assert not has_stop(swaps)
    assert ">Ask</button>" in swaps


def test_a_rejected_question_from_a_second_tab_shows_the_turn_that_stop_would_stop(
    owner: Client, turn: Turn
) -> None:
    address = reverse("chat:ask_in", args=[turn.conversation_id])
    reply = owner.post(address, {"question": "And the sea?", "turn_id": uuid4()}, headers=HTMX)
    swaps = reply.content.decode()
    assert reply.status_code == 422
    assert "And the sea?" in swaps
    assert has_stop(swaps)
    assert f'id="turn-{turn.pk}"' in swaps
    assert has_stream(swaps)


def test_what_is_asked_is_shown_with_the_button_that_belongs_to_it(owner: Client, turn: Turn) -> None:
    end(turn)
    address = reverse("chat:ask_in", args=[turn.conversation_id])
    live = owner.post(
        address, {"question": "And the sea?", "turn_id": uuid4()}, headers=HTMX
    ).content.decode()
    assert has_stop(live)
    assert has_stream(live)
    card = owner.post(
        address, {"question": "I want to die", "turn_id": uuid4()}, headers=HTMX
    ).content.decode()
    assert not has_stop(card)
