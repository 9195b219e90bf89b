"""A remote guard over real HTTP, while a real worker writes an answer."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Person
from budgets.models import Hold, HoldState
from budgets.selectors import get_meter
from chat import streaming
from chat.answering.remote_gate import DEGRADED_LENGTH
from chat.errors import PersonalDataFound
from chat.models import Conversation, EndReason, Turn, TurnState
from chat.services import answer_check_in
from chat.turns.verdicts import redact_or_ask
from guard import Category, Evidence, Level, Verdict
from inference import loop, provider, remote_guard
from tests.chat.conftest import Ask, written
from tests.chat.test_models_that_fail import STOP, WORDS, model
from tests.scripted import DONE, OK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

SENTENCE = "Rain falls on the hills and the river brings it back to the sea. "
SAFE = {
    "openai": {
        "results": [{"flagged": False, "categories": {"sexual": False}, "category_scores": {"sexual": 0.0}}]
    },
    "llama": {"choices": [{"message": {"content": "safe"}}]},
    "qwen": {"choices": [{"message": {"content": "Safety: Safe\nCategories: None"}}]},
}
HARM = {
    "openai": {
        "results": [{"categories": {"self-harm/intent": True}, "category_scores": {"self-harm/intent": 0.9}}]
    },
    "llama": {"choices": [{"message": {"content": "unsafe\nS11"}}]},
    "qwen": {"choices": [{"message": {"content": "Safety: Unsafe\nCategories: Suicide & Self-Harm"}}]},
}
KINDS = pytest.mark.parametrize("kind", SAFE)


@dataclass
class RemoteGuard:
    """A server with a remote guard's API. `say` maps a request body to its answer."""

    say: Callable[[dict[str, Any]], Any]
    heard: list[dict[str, Any]] = field(default_factory=list)
    for_prompt: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.heard.append(body | {"path": handler.path})
        answer = self.say(body)
        if isinstance(answer, dict):
            answer = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                + json.dumps(answer).encode()
            )
        if answer == HANGS:
            self.for_prompt.wait(20)
            return
        handler.wfile.write(answer)
        handler.close_connection = True


HANGS = b"hangs"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


def get_judged_text(body: dict[str, Any]) -> str:
    """Return the text that a request asks to judge."""
    return str(body["input"] if "input" in body else body["messages"][-1]["content"])


@pytest.fixture
def remote(settings: Settings) -> Iterator[Callable[..., RemoteGuard]]:
    running: list[tuple[RemoteGuard, ThreadingHTTPServer]] = []

    def start(kind: str, say: Callable[[dict[str, Any]], Any]) -> RemoteGuard:
        guard = RemoteGuard(say)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                guard.answer(self)

            def log_message(self, *_about: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.GUARD_PROVIDER, settings.GUARD_MODEL = kind, "a-guard"
        settings.GUARD_BASE_URL = f"http://127.0.0.1:{server.server_port}/v1"
        running.append((guard, server))
        return guard

    remote_guard.guard_breaker.__init__()  # type: ignore[misc]
    yield start
    for guard, server in running:
        guard.for_prompt.set()
        server.shutdown()
        server.server_close()
    remote_guard.guard_breaker.__init__()  # type: ignore[misc]
    loop.submit(_opinion_forget()).result()


async def _opinion_forget() -> None:
    for client in [*remote_guard._clients.values()]:
        await client.close()
    remote_guard._clients.clear()


@pytest.fixture
def answered(teen: Person, ask: Ask, settings: Settings) -> Iterator[Callable[..., Turn]]:
    """Have the model answer the teen's question with a text, in chunks of three characters."""

    def answering(text: str, question: str = "Where does rain go?", patience: float = 0.6) -> Turn:
        settings.GUARD_TIMEOUT_SECONDS = patience
        # Each chunk counts as a token, and some texts are long.
        settings.TUTOR_ANSWER_TOKENS = 800
        pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
        chunks = [json.dumps({"choices": [{"delta": {"content": piece}}]}) for piece in pieces]
        reply = OK + "".join(f"data: {chunk}\n\n" for chunk in chunks).encode() + STOP + DONE
        with model(reply) as address:
            settings.TUTOR_BASE_URL = address
            return written(ask(teen, question))

    yield answering
    loop.submit(provider.close_clients()).result()


def get_streamed_text(turn: Turn) -> str:
    return (streaming.read_stream(turn.pk) or streaming.StreamedAnswer()).text


def assert_paid(person: Person, turn: Turn) -> None:
    assert get_meter(owner=person).held == 0
    assert get_meter(owner=person).spent == turn.tokens > 0
    assert Hold.objects.get().state == HoldState.SETTLED


@KINDS
class TestARemoteGuardThatAnswers:
    def test_lets_a_safe_answer_through_whole(
        self, kind: str, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], teen: Person
    ) -> None:
        guard = remote(kind, lambda _body: SAFE[kind])
        turn = answered(SENTENCE * 12)
        assert (turn.state, turn.end_reason, turn.answer) == (
            TurnState.ANSWERED,
            EndReason.NONE,
            (SENTENCE * 12).strip(),
        )
        assert guard.heard[0]["path"] == ("/v1/moderations" if kind == "openai" else "/v1/chat/completions")
        # One request for the question and one per window of the answer, not one per word.
        assert 3 <= len(guard.heard) <= 5
        assert_paid(teen, turn)

    def test_leaves_a_title_that_its_owner_chose_meanwhile(
        self, kind: str, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn]
    ) -> None:
        def judge(body: Any) -> Any:
            Conversation.objects.update(title="Bridges of Prague")
            connection.close()
            return HARM[kind] if "bridge" in get_judged_text(body) else SAFE[kind]

        remote(kind, judge)
        assert (
            answered(SENTENCE * 12, question="how high is the old bridge at night").state == TurnState.CARDED
        )
        assert Conversation.objects.get().title == "Bridges of Prague"

    def test_shows_the_card_for_a_crisis_that_the_rules_missed(
        self, kind: str, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], teen: Person
    ) -> None:
        remote(kind, lambda body: HARM[kind] if "bridge" in get_judged_text(body) else SAFE[kind])
        turn = answered(SENTENCE * 12, question="how high is the old bridge at night")
        assert (turn.state, turn.level, turn.layer, turn.answer) == (TurnState.CARDED, "3", kind, "")
        assert get_streamed_text(turn) == ""
        assert Conversation.objects.get().title == "A conversation"
        # A card is free, no matter which guard caused it. The protocol page says so.
        assert (turn.tokens, turn.microdollars, get_meter(owner=teen).spent, get_meter(owner=teen).held) == (
            0,
            0,
            0,
            0,
        )
        assert Hold.objects.get().state == HoldState.RELEASED

    def test_cuts_an_answer_at_its_third_window_and_shows_none_of_that(
        self, kind: str, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], teen: Person
    ) -> None:
        remote(kind, lambda body: HARM[kind] if "zebra" in get_judged_text(body) else SAFE[kind])
        turn = answered(SENTENCE * 9 + "Then the zebra came. " + SENTENCE * 4)
        assert (turn.state, turn.answer) == (TurnState.CUT, "")
        assert get_streamed_text(turn)
        assert "zebra" not in get_streamed_text(turn)
        assert_paid(teen, turn)

    def test_is_sent_no_name(
        self, kind: str, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], teen: Person
    ) -> None:
        guard = remote(kind, lambda _body: SAFE[kind])
        turn = answered(SENTENCE * 5)
        requests = json.dumps(guard.heard)
        for secret in (
            teen.username,
            teen.display_name,
            str(teen.pk) + '"',
            str(turn.pk),
            str(turn.conversation_id),
        ):
            assert secret not in requests


class TestACrisisThatOnlyTheRemoteGuardFinds:
    """The turn becomes a card, however its answer ends."""

    @pytest.fixture(autouse=True)
    def _hears(self, remote: Callable[..., RemoteGuard]) -> None:
        remote("llama", lambda body: HARM["llama"] if "bridge" in get_judged_text(body) else SAFE["llama"])

    @pytest.mark.parametrize(
        "answer",
        ["You should kill yourself. " + SENTENCE, SENTENCE * 5 + "You should kill yourself.", ""],
        ids=["cut at once", "cut at its end", "says nothing"],
    )
    def test_even_if_the_local_gate_cuts_the_answer_or_there_is_no_answer(
        self, answer: str, answered: Callable[..., Turn]
    ) -> None:
        turn = answered(answer, question="how high is the old bridge at night")
        assert (turn.state, turn.level, turn.answer) == (TurnState.CARDED, "3", "")
        assert get_streamed_text(turn) == ""

    @pytest.mark.parametrize(
        "reply",
        [b"HTTP/1.1 500 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", OK + WORDS],
        ids=["refuses", "breaks off"],
    )
    def test_even_if_the_model_fails(self, reply: bytes, teen: Person, ask: Ask, settings: Settings) -> None:
        with model(reply) as address:
            settings.TUTOR_BASE_URL = address
            turn = written(ask(teen, "how high is the old bridge at night"))
        assert (turn.state, turn.level, turn.answer) == (TurnState.CARDED, "3", "")
        assert get_meter(owner=teen).held == 0

    def test_even_if_the_asker_presses_stop_before_the_verdict(
        self, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn]
    ) -> None:
        def slowly(body: dict[str, Any]) -> Any:
            Turn.objects.update(stop_requested_at=timezone.now())
            time.sleep(1.6)
            connection.close()
            return HARM["llama"] if "bridge" in get_judged_text(body) else SAFE["llama"]

        remote("llama", slowly)
        turn = answered(SENTENCE * 12, question="how high is the old bridge at night", patience=5.0)
        assert (turn.state, turn.level, turn.answer) == (TurnState.CARDED, "3", "")


REFUSES = b"HTTP/1.1 500 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
FAULTS = pytest.mark.parametrize(
    "fault",
    [
        HANGS,
        b"",
        REFUSES,
        REFUSES.replace(b"500", b"429"),
        REFUSES.replace(b"500", b"401"),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
        JSON + b"{]",
        JSON + b"[1]",
        {"choices": [], "results": []},
    ],
    ids=["hangs", "hangs up", "500", "429", "401", "closes early", "garbage", "another shape", "empty"],
)


@FAULTS
def test_a_guard_that_fails_keeps_the_answer_short_and_does_not_open_the_gate(
    fault: Any, remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], teen: Person
) -> None:
    remote("llama", lambda _body: fault)
    turn = answered(SENTENCE * 20)
    assert (turn.state, turn.end_reason) == (TurnState.ANSWERED, EndReason.NO_REMOTE_GUARD)
    assert DEGRADED_LENGTH <= len(turn.answer) < DEGRADED_LENGTH + 300
    assert turn.answer.endswith(".")
    assert_paid(teen, turn)


def test_without_its_verdict_a_trace_in_the_question_is_asked_about(
    remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = Verdict(Level.HINTS, frozenset({Category.HOPELESSNESS}), layer="conversation")
    monkeypatch.setattr(
        "chat.answering.remote_gate.judge_strictly", lambda text: hint if "tired" in text else Verdict()
    )
    guard = remote("llama", lambda _body: REFUSES)
    turn = answered(SENTENCE * 4, question="where does a tired river go")
    assert (turn.state, turn.level, turn.answer, get_streamed_text(turn)) == (TurnState.PAUSED, "2", "", "")
    answer_check_in(turn=turn, is_yes=False)
    guard.say = lambda _body: SAFE["llama"]
    assert answered(SENTENCE * 4, question="where does another tired river go").state == TurnState.ANSWERED


def test_a_slow_guard_costs_one_patience_for_an_answer(
    remote: Callable[..., RemoteGuard], answered: Callable[..., Turn]
) -> None:
    remote("llama", lambda _body: HANGS)
    began = time.monotonic()
    answered(SENTENCE * 20)
    assert time.monotonic() - began < 2.5


def test_a_guard_that_keeps_failing_is_left_alone_and_asked_again_later(
    remote: Callable[..., RemoteGuard], answered: Callable[..., Turn], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = remote("llama", lambda _body: REFUSES)
    for _ in range(remote_guard.MAX_FAILURES):
        answered(SENTENCE)
    asked = len(guard.heard)
    answered(SENTENCE)
    assert len(guard.heard) == asked
    assert asked == remote_guard.MAX_FAILURES
    remote_guard.guard_breaker.rests_until = 0.0
    # The rest is over: one question tries the guard, and when it fails the others are not sent.
    answered(SENTENCE)
    answered(SENTENCE)
    assert len(guard.heard) == asked + 1
    remote_guard.guard_breaker.rests_until = 0.0
    guard.say = lambda _body: SAFE["llama"]
    assert answered(SENTENCE * 20).end_reason == EndReason.NONE
    assert len(guard.heard) > asked


def test_a_card_of_the_rules_never_waits_for_it(
    remote: Callable[..., RemoteGuard], teen: Person, ask: Ask
) -> None:
    guard = remote("llama", lambda _body: HANGS)
    began = time.monotonic()
    assert ask(teen, "I want to kill myself").state == TurnState.CARDED
    assert time.monotonic() - began < 0.5
    assert not guard.heard


def test_what_the_local_gate_cuts_is_cut_whatever_the_guard_says(
    remote: Callable[..., RemoteGuard], answered: Callable[..., Turn]
) -> None:
    remote("llama", lambda _body: SAFE["llama"])
    turn = answered(SENTENCE * 5 + "You should kill yourself. " + SENTENCE)
    assert turn.state == TurnState.CUT
    assert "yourself" not in get_streamed_text(turn)


class TestSettings:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, settings: Settings) -> None:
        settings.GUARD_PROVIDER, settings.GUARD_MODEL = "openai", "omni-moderation-latest"
        settings.GUARD_BASE_URL = "https://guard.example.com/v1"

    def test_the_pages_name_its_host(self, client: Client, teen: Person) -> None:
        client.force_login(teen)
        for path in ("/privacy", "/tutor/"):
            page = client.get(path).content.decode()
            assert "guard.example.com" in page
            assert "do not leave it" not in page

    def test_a_name_in_a_question_is_asked_about_before_it_leaves(self) -> None:
        named = Verdict(
            Level.NONE, frozenset({Category.PERSONAL}), (Evidence("personal", "en.personal.name", 3, 7),)
        )
        with pytest.raises(PersonalDataFound):
            redact_or_ask("Am Noor a name?", named, "", leaves_site=True)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GUARD_PROVIDER", "other"),
            ("GUARD_BASE_URL", ""),
            ("GUARD_MODEL", ""),
            ("GUARD_TIMEOUT_SECONDS", 0),
        ],
    )
    def test_one_that_is_half_set_up_is_named_at_the_start(
        self, name: str, value: object, settings: Settings
    ) -> None:
        assert not [message for message in run_checks() if message.id == "safeguarding.E002"]
        setattr(settings, name, value)
        assert [
            message for message in run_checks() if message.id == "safeguarding.E002" and name in message.msg
        ]
