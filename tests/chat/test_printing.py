"""A conversation on paper and as a text file."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Person
from chat.models import Conversation, Turn, TurnState
from tests.chat.conftest import Ask

pytestmark = pytest.mark.usefixtures("library")
FORMATS = ["print", "download"]


@pytest.fixture
def conversation(teen: Person, ask: Ask) -> Conversation:
    turn = ask(teen, "Why is the sky <blue>?")
    Turn.objects.filter(pk=turn.pk).update(
        state=TurnState.ANSWERED, answer="Because **light** scatters.", ended_at=turn.asked_at
    )
    return turn.conversation


@pytest.fixture
def read(teen: Person, as_person: Callable[[Person], Client]) -> Callable[[Conversation, str], str]:
    def reading(conversation: Conversation, which: str) -> str:
        return as_person(teen).get(f"/tutor/{conversation.pk}/{which}").content.decode()

    return reading


def test_the_page_has_questions_and_answers(
    conversation: Conversation, read: Callable[[Conversation, str], str]
) -> None:
    page = read(conversation, "print")
    assert "Why is the sky &lt;blue&gt;?" in page
    assert "<strong>light</strong>" in page
    assert "not a human" in page


def test_the_file_has_them_as_they_were_written(
    teen: Person, conversation: Conversation, as_person: Callable[[Person], Client]
) -> None:
    reply = as_person(teen).get(f"/tutor/{conversation.pk}/download")
    assert reply.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="kitchen-table-2')
    text = reply.content.decode()
    assert "## Question\n\nWhy is the sky <blue>?\n\n## Answer\n\nBecause **light** scatters.\n" in text


@pytest.mark.parametrize("which", FORMATS)
def test_a_cry_for_help_is_on_neither(
    teen: Person, conversation: Conversation, ask: Ask, read: Callable[[Conversation, str], str], which: str
) -> None:
    assert ask(teen, "I want to die", conversation=conversation).state == TurnState.CARDED
    text = read(conversation, which)
    assert "I want to die" not in text
    assert "Messages with a help card are left out." in text


@pytest.mark.parametrize("which", FORMATS)
def test_a_question_that_was_asked_anew_is_printed_once(
    conversation: Conversation, read: Callable[[Conversation, str], str], which: str
) -> None:
    conversation.turns.update(is_reworded=True)
    text = read(conversation, which)
    assert 'class="question"' not in text
    assert "## Question" not in text


def test_a_conversation_without_an_ended_turn_says_so(
    teen: Person, ask: Ask, read: Callable[[Conversation, str], str]
) -> None:
    assert "There is nothing to print yet." in read(ask(teen).conversation, "print")
