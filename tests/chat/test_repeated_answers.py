"""An answer that only repeats itself ends, and what it repeated is taken back from the page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Person
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from chat import streaming
from chat.models import EndReason, Turn, TurnState
from chat.streaming.valkey_stream import _client as valkey
from chat.streaming.valkey_stream import stream_key
from tests.chat.conftest import Ask, written
from tests.quirk_cases import ANSWER, END, PIECES
from tests.quirks import answered_by
from tests.scripted import OK, Script, scripted, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

AsPerson = Callable[[Person], Client]
BEGINNING = ["Plants ", "need ", "light. "]
LOOP = ["They ", "need ", "it ", "to ", "grow. "]
# The server would go on after the last piece, and waits to be left.
ENDLESS: Script = [OK, words(*BEGINNING, *LOOP * 10), None]
KEPT = "Plants need light. They need it to grow."
# What the model has written when the fourth copy is complete.
GENERATED = len(BEGINNING) + 4 * len(LOOP)


def looped(teen: Person, ask: Ask) -> Turn:
    with scripted(ENDLESS) as serving, answered_by(serving):
        return written(ask(teen))


@pytest.mark.usefixtures("small")
class TestAnAnswerThatRepeatsItself:
    def test_is_a_whole_answer_up_to_there(self, teen: Person, ask: Ask) -> None:
        turn = looped(teen, ask)
        assert (turn.state, turn.end_reason, turn.answer) == (TurnState.ANSWERED, EndReason.NONE, KEPT)

    def test_is_charged_as_generated(self, teen: Person, ask: Ask) -> None:
        turn = looped(teen, ask)
        assert GENERATED <= turn.answer_tokens <= GENERATED + len(LOOP)
        assert LedgerEntry.objects.get(kind=EntryKind.SETTLE).tokens == turn.tokens
        assert Hold.objects.get().state == HoldState.SETTLED

    def test_is_taken_back_from_readers(self, teen: Person, ask: Ask) -> None:
        slowly: Script = [OK, words(*BEGINNING, *LOOP * 3), 0.5, words(*LOOP * 9), None]
        with scripted(slowly) as serving, answered_by(serving):
            turn = written(ask(teen))
        entries: Any = valkey().xrange(stream_key(turn.pk))
        assert len("".join(fields.get("text", "") for _, fields in entries)) > len(KEPT)
        streamed = streaming.read_stream(turn.pk)
        assert streamed
        assert streamed.text == KEPT

    def test_reads_as_a_whole_answer_on_the_page(self, teen: Person, ask: Ask, as_person: AsPerson) -> None:
        turn = looped(teen, ask)
        page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
        assert page.count("They need it to grow.") == 1
        assert "turn-error" not in page
        assert "Continue" not in page

    def test_is_left_so_that_the_model_stops(self, teen: Person, ask: Ask) -> None:
        """Otherwise the turn would wait for the script's silence, and fail."""
        with scripted([OK, words(*LOOP * 10), 5.0, words("late. ")]) as serving, answered_by(serving):
            assert written(ask(teen)).answer == "They need it to grow."


@pytest.mark.usefixtures("small")
def test_thinking_that_repeats_itself_does_not_end_an_answer(teen: Person, ask: Ask) -> None:
    with (
        scripted([OK, words("<think>", *LOOP * 10, "</think>", *PIECES), END]) as serving,
        answered_by(serving),
    ):
        assert written(ask(teen)).answer == ANSWER


def test_an_answer_with_the_full_profile_may_repeat_itself(teen: Person, ask: Ask) -> None:
    with scripted([OK, words(*LOOP * 10), END]) as serving, answered_by(serving):
        assert written(ask(teen)).answer == "".join(LOOP * 10).strip()
