"""A turn whose model misbehaves, over real HTTP, byte for byte. It ends with a reason and costs the person nothing.

tests/quirk_cases.py lists what servers send. These tests check the turn, its hold and its page.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Person
from budgets.models import EntryKind, Hold, HoldState, LedgerEntry
from budgets.selectors import get_meter
from chat import streaming
from chat.answering import writing
from chat.answering.worker import TurnWorker
from chat.models import EndReason, Turn, TurnState
from chat.web import relay
from inference import loop, provider
from tests.chat.conftest import Ask, written
from tests.endpoints import get_endpoint
from tests.live import wait_until
from tests.quirk_cases import ANSWER, END, PIECES, THOUGHT
from tests.quirks import answered_by
from tests.scripted import (
    DONE,
    NOT_FOUND,
    OK,
    Script,
    answer,
    delta,
    error_reply,
    scripted,
    stop,
    used,
    words,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

WORDS = words(*(f"word {n} " for n in range(6)))
STOP = stop()
AsPerson = Callable[[Person], Client]


@contextmanager
def model(reply: bytes, *, counts: bytes = NOT_FOUND) -> Iterator[str]:
    """A server that answers every question with `reply`, and then closes the connection."""
    with scripted([reply], counts=counts) as serving:
        yield serving.url


@pytest.fixture
def answered(teen: Person, ask: Ask, settings: Settings) -> Iterator[Callable[..., Turn]]:
    def asking(reply: bytes, *, counts: bytes = NOT_FOUND, **how: object) -> Turn:
        with model(reply, counts=counts) as address:
            settings.TUTOR_BASE_URL = address
            return written(ask(teen, **how))

    loop.submit(provider.close_clients()).result()
    yield asking
    loop.submit(provider.close_clients()).result()


@pytest.mark.parametrize(
    ("reply", "end_reason", "tokens"),
    [
        (b"", EndReason.MODEL_UNREACHABLE, 0),
        (OK + b"data: {not json\n\n", EndReason.MODEL_GARBLED, 0),
        (OK + b"x" * 1_100_000, EndReason.MODEL_GARBLED, 0),
        (OK + b"x\n" * 600_000, EndReason.MODEL_GARBLED, 0),
        (OK + b"data: \xff\xfe\n\n", EndReason.MODEL_GARBLED, 0),
        (OK + WORDS + b'data: {"choices": "none"}\n\n', EndReason.MODEL_GARBLED, 6),
        (OK + WORDS, EndReason.MODEL_UNREACHABLE, 6),
    ],
    ids=[
        "hangs up",
        "garbage",
        "a line without end",
        "lines without end",
        "not UTF-8",
        "another shape",
        "early",
    ],
)
def test_a_model_that_fails_costs_the_person_nothing_and_the_site_what_came(
    reply: bytes, end_reason: EndReason, tokens: int, answered: Callable[..., Turn], teen: Person
) -> None:
    turn = answered(reply)
    assert (turn.state, turn.end_reason, turn.tokens) == (TurnState.FAILED, end_reason, 0)
    assert bool(turn.answer) == bool(tokens)
    meter = get_meter(owner=teen)
    assert (meter.held, meter.spent) == (0, 0)
    assert Hold.objects.get().state == HoldState.RELEASED
    absorbed = LedgerEntry.objects.filter(kind=EntryKind.ABSORB).values_list("tokens", flat=True)
    assert [count > tokens for count in absorbed] == [True] * bool(tokens)


class TestUnreportedUsage:
    def test_is_what_was_counted(self, answered: Callable[..., Turn], teen: Person) -> None:
        turn = answered(OK + WORDS + STOP + DONE)
        assert (turn.state, turn.answer_tokens) == (TurnState.ANSWERED, 6)
        assert turn.prompt_tokens > 0
        assert get_meter(owner=teen).spent == turn.tokens

    def test_is_what_the_models_tokenizer_counts_where_a_chunk_held_more_than_a_token(
        self, answered: Callable[..., Turn], teen: Person
    ) -> None:
        turn = answered(OK + WORDS + STOP + DONE, counts=answer(200, {"tokens": [1] * 18}))
        assert (turn.state, turn.answer_tokens) == (TurnState.ANSWERED, 18)
        assert get_meter(owner=teen).spent == turn.tokens


def test_a_last_line_without_a_line_end_is_read(answered: Callable[..., Turn]) -> None:
    assert answered(OK + WORDS + STOP.strip()).state == TurnState.ANSWERED


def test_words_that_the_gate_holds_when_the_line_breaks_are_judged_and_kept(
    answered: Callable[..., Turn],
) -> None:
    assert answered(OK + words("Rain falls. The air is", " i")).answer == "Rain falls. The air is i"


def test_words_that_must_not_be_said_are_not_kept_when_the_line_breaks(
    answered: Callable[..., Turn],
) -> None:
    turn = answered(OK + words("Rain falls. ", "I am a real", " person"))
    assert (turn.state, turn.end_reason, turn.answer) == (TurnState.CUT, EndReason.CLAIMS_HUMAN, "")


class TestThinking:
    def test_is_not_remembered(self, teen: Person, ask: Ask) -> None:
        with (
            scripted([OK, words("<think>", THOUGHT, "</think>", *PIECES), END]) as thinker,
            answered_by(thinker),
        ):
            first = written(ask(teen))
            written(ask(teen, "And snow?", conversation=first.conversation))
        assert ANSWER in str(thinker.asked[1])
        assert "ZEBRA" not in str(thinker.asked[1])

    def test_that_begins_an_answer_without_a_tag_is_expected_from_then_on(
        self, teen: Person, ask: Ask
    ) -> None:
        begins_inside: Script = [OK, words(THOUGHT, "</think>", *PIECES), END]
        with scripted(begins_inside) as thinker, answered_by(thinker, TUTOR_MODEL="tutor"):
            assert [written(ask(teen)).answer for _ in range(2)] == [ANSWER, ANSWER]
            habits = provider._get_profile(get_endpoint())
            assert habits.thinks_first

    def test_may_be_expected_from_the_beginning(self, teen: Person, ask: Ask) -> None:
        only_thinks = [OK, words(THOUGHT), stop("length"), used(50, 3)]
        with scripted(only_thinks) as thinker, answered_by(thinker, TUTOR_THINKS_FIRST=True):
            turn = written(ask(teen))
        assert (turn.end_reason, turn.answer) == (EndReason.ONLY_THINKING, "")


def test_what_the_settings_add_is_sent(teen: Person, ask: Ask) -> None:
    extra = {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}}
    with scripted([OK, words(*PIECES), END]) as serving, answered_by(serving, TUTOR_EXTRA_BODY=extra):
        written(ask(teen))
    assert serving.asked[0] | extra == serving.asked[0]
    assert serving.asked[0]["stream_options"] == {"include_usage": True}


class TestMessages:
    def test_a_busy_server_says_when_to_try_again(
        self, answered: Callable[..., Turn], teen: Person, as_person: AsPerson
    ) -> None:
        turn = answered(error_reply(429, "slow down", Retry_After=45))
        page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
        assert "The model is busy. Try again in 4" in page
        body = as_person(teen).get(f"/api/v1/turns/{turn.pk}").json()
        assert (body["end_reason"], bool(body["retry_at"])) == ("model_busy", True)

    def test_every_error_has_its_own_sentence(self, teen: Person, ask: Ask, as_person: AsPerson) -> None:
        turn, messages = ask(teen), {}
        for end_reason in EndReason:
            Turn.objects.filter(pk=turn.pk).update(
                state=TurnState.FAILED, end_reason=end_reason, ended_at=turn.asked_at, claim=None
            )
            page = as_person(teen).get(f"/tutor/{turn.conversation_id}").content.decode()
            messages[end_reason] = " ".join(
                page.partition('class="turn-error">')[2].partition("</p>")[0].split()
            )
        model_endings = [end_reason for end_reason in EndReason if "model" in end_reason] + [
            EndReason.TOO_LONG,
            EndReason.FILTERED,
            EndReason.ONLY_THINKING,
        ]
        assert len({messages[end_reason] for end_reason in model_endings}) == len(model_endings)
        assert messages[EndReason.INTERNAL_ERROR] not in {
            messages[end_reason] for end_reason in model_endings
        }

    @pytest.mark.parametrize(
        ("reply", "alarms"),
        [(error_reply(401, "key sk-123 of WALNUT"), True), (error_reply(429, "WALNUT"), False)],
        ids=["broken", "busy"],
    )
    def test_model_errors_that_admins_must_fix_are_logged_as_errors(
        self,
        reply: bytes,
        alarms: bool,
        answered: Callable[..., Turn],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        turn = answered(reply, question="Where do WALNUTS grow?")
        records = [record for record in caplog.records if record.name == "chat.answering.writing"]
        assert [record.levelno for record in records] == [logging.ERROR if alarms else logging.WARNING]
        assert str(turn.pk) in records[0].getMessage()
        assert "WALNUT" not in caplog.text


def test_a_role_that_comes_at_once_does_not_shorten_the_wait_for_the_first_word(
    teen: Person, ask: Ask
) -> None:
    late: Script = [OK, delta("", role="assistant"), 0.8, words(*PIECES), END]
    waits = {"TUTOR_FIRST_TOKEN_SECONDS": 2.0, "TUTOR_NEXT_TOKEN_SECONDS": 0.3}
    with scripted(late) as serving, answered_by(serving, **waits):
        assert written(ask(teen)).answer == ANSWER


class TestStatusBeforeTheFirstWord:
    """The status on the page before the first word."""

    @pytest.fixture
    def worker(self) -> Iterator[TurnWorker]:
        worker = TurnWorker(max_answers=1)
        yield worker
        wait_until(lambda: not worker.answers, what="the answer")
        worker.is_closing = True

    @pytest.mark.parametrize(
        ("begin", "phase", "message"),
        [
            (b"", streaming.ModelPhase.LOADING, "The model is loading."),
            (delta(reasoning=THOUGHT), streaming.ModelPhase.THINKING, "The model is thinking."),
        ],
        ids=["loading", "thinking"],
    )
    def test_is_said(
        self,
        begin: bytes,
        phase: streaming.ModelPhase,
        message: str,
        teen: Person,
        ask: Ask,
        worker: TurnWorker,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(writing, "LOADING_AFTER_SECONDS", 0.1)
        with scripted([OK, begin, 1.0, words(*PIECES), END]) as serving, answered_by(serving):
            turn = ask(teen)
            worker.claim_next()
            wait_until(lambda: streaming.get_phase(turn.pk) is phase, what="the phase", seconds=5)
            turn.refresh_from_db()
            assert asyncio.run(relay._explain_wait(turn, has_words=False)) == message
            assert asyncio.run(relay._explain_wait(turn, has_words=True)) == ""
            wait_until(lambda: not worker.answers, what="the answer")
        turn.refresh_from_db()
        assert turn.answer == ANSWER
