"""The row of an ended turn on its stream is that of the database, or there is none."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Person
from chat import services
from chat.answering.leases import claim_turns, finish_turn
from chat.api.serializers import serialize_turn
from chat.asking.follow_ups import retry_turn
from chat.models import EndReason, Turn, TurnState
from chat.selectors import get_turn
from chat.streaming import StreamEntry
from chat.streaming.reader import WORKER_COLUMNS, load_ended_turn
from chat.streaming.valkey_stream import DELETED_SECONDS, _client, stream_key
from chat.turns.outcomes import Outcome
from guard import Category, Level, Verdict
from inference.prices import Prices
from tests.chat.conftest import Ask
from tests.streams import finish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]


def read_end(turn: Turn) -> StreamEntry:
    entries: Any = _client().xrange(stream_key(turn.pk))
    return StreamEntry.read(*entries[-1])


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("state", "fields"),
    [
        (
            TurnState.ANSWERED,
            {"prices": Prices(input=2, cached_input=1, output=4), "cached_tokens": 7, "carried_tokens": 9},
        ),
        (TurnState.ANSWERED, {"end_reason": EndReason.LENGTH_LIMIT, "prompt_parts": {"question": 20}}),
        (TurnState.FAILED, {"end_reason": EndReason.MODEL_ERROR}),
        (TurnState.CUT, {"end_reason": EndReason.METHOD}),
        (TurnState.STOPPED, {"end_reason": EndReason.UNREAD}),
    ],
)
def test_it_is_the_committed_row(state: TurnState, fields: dict[str, Any], teen: Person, ask: Ask) -> None:
    ask(teen, "How does a language model work?")
    [claimed] = claim_turns(limit=1)
    finish(claimed, "It “guesses”\nthe next word: ∑ 🌊.", state, **fields)
    with CaptureQueriesContext(connection) as queries:
        turn = load_ended_turn(read_end(claimed).ended_turn)
        assert turn.conversation.owner_id == teen.pk
        assert getattr(turn, "report", None) is None
    assert not queries.captured_queries
    stored = get_turn(teen, claimed.pk)
    assert turn.get_deferred_fields() == WORKER_COLUMNS
    columns = {name for name in vars(stored) if not name.startswith("_")} - WORKER_COLUMNS
    assert {name: getattr(turn, name) for name in columns} == {
        name: getattr(stored, name) for name in columns
    }
    assert serialize_turn(turn) == serialize_turn(stored)


def test_a_retry_has_none_as_either_turn_may_stay(teen: Person, ask: Ask) -> None:
    ask(teen)
    [failed] = claim_turns(limit=1)
    finish(failed, state=TurnState.FAILED, end_reason=EndReason.MODEL_ERROR)
    retry_turn(person=teen, failed=get_turn(teen, failed.pk), turn_id=uuid4())
    [retry] = claim_turns(limit=1)
    finish(retry, "It is blue.")
    assert read_end(retry).is_end
    assert not read_end(retry).ended_turn


def test_a_stopped_turn_has_none_as_the_row_knows_why(teen: Person, ask: Ask) -> None:
    ask(teen)
    [claimed] = claim_turns(limit=1)
    services.stop_turn(turn=claimed, end_reason=EndReason.CONSENT_WITHDRAWN)
    finish(claimed, "It", TurnState.STOPPED, end_reason=EndReason.STOPPED_BY_ASKER)
    assert not read_end(claimed).ended_turn


def test_a_question_that_became_a_card_stays_in_the_database(teen: Person, ask: Ask) -> None:
    ask(teen)
    [claimed] = claim_turns(limit=1)
    verdict = Verdict(level=Level.STATED, categories=frozenset({Category.SELF_HARM}))
    finish(claimed, state=TurnState.CARDED, verdict=verdict)
    assert not read_end(claimed).ended_turn


def test_a_worker_that_lost_its_claim_writes_none(teen: Person, ask: Ask) -> None:
    ask(teen)
    [claimed] = claim_turns(limit=1)
    Turn.objects.update(claim=uuid4())
    late = Outcome(
        state=TurnState.ANSWERED, end_reason=EndReason.NONE, answer="Late.", prompt_tokens=1, answer_tokens=1
    )
    assert not finish_turn(turn=claimed, outcome=late)
    assert not _client().exists(stream_key(claimed.pk))


def test_a_deleted_conversation_leaves_no_words_on_its_streams(teen: Person, ask: Ask) -> None:
    ask(teen)
    [claimed] = claim_turns(limit=1)
    finish(claimed, "It is blue.")
    services.delete_conversation(conversation=claimed.conversation)
    entries: Any = _client().xrange(stream_key(claimed.pk))
    assert [fields for _entry_id, fields in entries] == [{"end": "1"}]
    assert 0 < int(_client().ttl(stream_key(claimed.pk))) <= DELETED_SECONDS
