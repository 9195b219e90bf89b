"""A turn whose model misbehaves: over real HTTP, byte for byte. It ends, says why, and costs what was generated."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from accounts.models import Person
from budgets.models import Hold, HoldState
from budgets.selectors import meter
from chat.models import Ending, State, Turn
from inference import loop, provider
from tests.chat.conftest import Ask, written

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unnudged")]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
WORDS = b"".join(b'data: {"choices": [{"delta": {"content": "word %d "}}]}\n\n' % n for n in range(6))
STOP = b'data: {"choices": [{"finish_reason": "stop", "delta": {}}]}\n\n'
DONE = b"data: [DONE]\n\n"


def _request(line: socket.socket) -> bytes:
    """A whole request: a line that closes before it has read everything takes its own answer back."""
    head, _, body = line.recv(65536).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += line.recv(65536)
    return head


@contextmanager
def model(reply: bytes, *, counts: bytes = NOT_FOUND, hangs: bool = False) -> Iterator[str]:
    """A server that answers every question with `reply`, and then closes the line or keeps it open in silence."""
    over = threading.Event()

    def say(line: socket.socket) -> None:
        with line:
            asked = _request(line)
            line.sendall(counts if asked.startswith(b"POST /tokenize") else reply)
            if hangs:
                over.wait(20)

    def serve(listening: socket.socket) -> None:
        while not over.is_set():
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=say, args=[line], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=[listening], daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        over.set()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "FIRST_TOKEN_SECONDS", 0.5)
    monkeypatch.setattr(provider, "NEXT_TOKEN_SECONDS", 0.5)


async def _client_forget() -> None:
    if client := provider._clients.pop(asyncio.get_running_loop(), None):
        await client.close()


@pytest.fixture
def answered_by(teen: Person, ask: Ask, settings: Settings) -> Iterator[Callable[..., Turn]]:
    def asking(reply: bytes, **how: object) -> Turn:
        with model(reply, **how) as address:  # type: ignore[arg-type]
            settings.TUTOR_BASE_URL = address
            return written(ask(teen))

    # The loop's one client has been to another address before, and goes back there afterwards.
    loop.submit(_client_forget()).result()
    yield asking
    loop.submit(_client_forget()).result()


@pytest.mark.parametrize(
    ("reply", "hangs", "ending", "tokens"),
    [
        (b"", False, Ending.MODEL_AWAY, 0),
        (
            b"HTTP/1.1 500 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            False,
            Ending.MODEL_REFUSED,
            0,
        ),
        (OK + b"data: {not json\n\n", False, Ending.MODEL_GARBLED, 0),
        (OK + b"x" * 1_100_000, False, Ending.MODEL_GARBLED, 0),
        (OK + b"data: \xff\xfe\n\n", False, Ending.MODEL_GARBLED, 0),
        (OK + WORDS + b'data: {"choices": "none"}\n\n', False, Ending.MODEL_GARBLED, 6),
        (OK, True, Ending.MODEL_SILENT, 0),
        (OK + WORDS, True, Ending.MODEL_SILENT, 6),
        (OK + WORDS, False, Ending.MODEL_AWAY, 6),
    ],
    ids=[
        "hangs up",
        "refuses",
        "garbage",
        "garbage without end",
        "not UTF-8",
        "another shape",
        "says nothing",
        "falls silent",
        "closes early",
    ],
)
def test_a_model_that_fails_ends_the_turn_and_bills_what_came(
    reply: bytes,
    hangs: bool,
    ending: Ending,
    tokens: int,
    answered_by: Callable[..., Turn],
    teen: Person,
    patience: None,
) -> None:
    turn = answered_by(reply, hangs=hangs)
    assert (turn.state, turn.ending, turn.answer_tokens) == (State.FAILED, ending, tokens)
    assert bool(turn.answer) == bool(tokens)
    purse = meter(owner=teen)
    assert (purse.held, purse.spent) == (0, turn.tokens)
    assert bool(turn.tokens) == bool(tokens)
    assert Hold.objects.get().state == (HoldState.SETTLED if tokens else HoldState.RELEASED)


class TestUsageThatIsNeverReported:
    def test_is_what_was_counted(self, answered_by: Callable[..., Turn], teen: Person) -> None:
        turn = answered_by(OK + WORDS + STOP + DONE)
        assert (turn.state, turn.answer_tokens) == (State.ANSWERED, 6)
        assert turn.prompt_tokens > 0
        assert meter(owner=teen).spent == turn.tokens

    def test_is_what_the_models_tokenizer_counts_where_a_chunk_held_more_than_a_token(
        self, answered_by: Callable[..., Turn], teen: Person
    ) -> None:
        told = b'{"tokens": [%s]}' % b",".join(b"1" for _ in range(18))
        counts = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
            told
        )
        turn = answered_by(OK + WORDS + STOP + DONE, counts=counts + told)
        assert (turn.state, turn.answer_tokens) == (State.ANSWERED, 18)
        assert meter(owner=teen).spent == turn.tokens


def test_a_last_line_without_an_end_is_read_too(answered_by: Callable[..., Turn]) -> None:
    assert answered_by(OK + WORDS + STOP.strip()).state == State.ANSWERED


def test_lines_that_come_in_pieces_are_put_together(answered_by: Callable[..., Turn]) -> None:
    turn = answered_by(OK + (WORDS + STOP + DONE).replace(b"\n", b"\r\n"))
    assert turn.answer == "word 0 word 1 word 2 word 3 word 4 word 5"
