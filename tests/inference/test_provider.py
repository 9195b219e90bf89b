"""The provider with the real model server, and with servers whose HTTP is broken."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from functools import partial

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config.settings.environment import parse_extra_body, parse_prompt_profile
from inference import errors, loop
from inference.location import is_private_address
from inference.messages import AnswerDelta, ChatMessage, TokenUsage
from inference.prices import Prices
from inference.provider import check_provider, count_tokens, stream_answer
from tests.endpoints import get_endpoint, get_settings_model

NAME = "0198-a-turn"
ASK: list[ChatMessage] = [{"role": "user", "content": "Explain in many words where rain comes from."}]


def run[T](coroutine: Coroutine[None, None, T]) -> T:
    return loop.submit(coroutine).result(timeout=60)


async def answer(tokens: int, stop_after: int | None = None) -> list[AnswerDelta | TokenUsage]:
    pieces: list[AnswerDelta | TokenUsage] = []
    async with aclosing(
        stream_answer(endpoint=get_endpoint(), messages=ASK, max_answer_tokens=tokens, request_id=NAME)
    ) as stream:
        async for piece in stream:
            pieces.append(piece)
            if stop_after and len(pieces) == stop_after:
                break
    return pieces


def test_the_model_answers_word_by_word_and_reports_its_usage() -> None:
    *words, usage = run(answer(24))
    assert isinstance(usage, TokenUsage)
    assert len(words) > 5
    assert [piece.tokens for piece in words if isinstance(piece, AnswerDelta)] == sorted(
        piece.tokens for piece in words if isinstance(piece, AnswerDelta)
    )
    assert usage.prompt_tokens
    assert usage.answer_tokens
    assert usage.answer_tokens <= 24


def test_the_cap_ends_the_answer_and_says_so() -> None:
    usage = run(answer(3))[-1]
    assert isinstance(usage, TokenUsage)
    assert usage.answer_tokens == 3
    assert usage.has_reached_limit


def test_the_server_answers_when_asked_whether_it_does() -> None:
    run(check_provider(get_endpoint()))


def test_the_model_counts_a_text_as_it_counts_its_own_answer() -> None:
    *words, usage = run(answer(24))
    text = "".join(piece.text for piece in words if isinstance(piece, AnswerDelta))
    assert isinstance(usage, TokenUsage)
    assert usage.answer_tokens
    assert abs((run(count_tokens(get_endpoint(), text)) or 0) - usage.answer_tokens) <= 1


def test_a_server_that_counts_nothing_says_so(settings: Settings) -> None:
    settings.TUTOR_BASE_URL = "http://127.0.0.1:9/v1"
    assert asyncio.run(count_tokens(get_endpoint(), "Rain falls.")) is None


async def _say(reply: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(reply)
    await writer.drain()
    writer.close()


def serve(reply: bytes, settings: Settings) -> type[errors.ModelError] | None:
    """Return what the provider does with a server that sends `reply`, byte for byte, and then closes the connection."""

    async def meet() -> type[errors.ModelError] | None:
        server = await asyncio.start_server(partial(_say, reply), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings.TUTOR_BASE_URL = f"http://127.0.0.1:{port}/v1"
        async with server:
            try:
                await answer(5)
            except errors.ModelError as error:
                return type(error)
        return None

    return asyncio.run(meet())


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
WORD = b'data: {"choices": [{"delta": {"content": "hello"}}]}\n\n'


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"", errors.ModelUnreachable),
        (b"HTTP/1.1 500 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", errors.ModelMisconfigured),
        (b"HTTP/1.1 401 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", errors.ModelMisconfigured),
        (OK + b"data: {not json\n\n", errors.ModelResponseInvalid),
        (OK + b"data: [1]\n\n", errors.ModelResponseInvalid),
        (OK + b'data: {"error": {"message": "out of memory"}}\n\n', errors.ModelMisconfigured),
        (OK + WORD, errors.ModelUnreachable),
        (OK, errors.ModelUnreachable),
        (
            OK + WORD + b'data: {"choices": [{"finish_reason": "stop", "delta": {}}]}\n\ndata: [DONE]\n\n',
            None,
        ),
    ],
)
def test_each_misbehaviour_of_a_server_has_its_name(
    reply: bytes, expected: type[errors.ModelError] | None, settings: Settings
) -> None:
    assert serve(reply, settings) is expected


def test_what_no_database_takes_is_left_out_of_an_answer(settings: Settings) -> None:
    odd = rb'data: {"choices": [{"delta": {"content": "a\u0000b\ud83dc \ud83d\ude00"}}]}' + b"\n\n"
    end = b'data: {"choices": [{"finish_reason": "stop", "delta": {}}]}\n\ndata: [DONE]\n\n'

    async def meet() -> list[AnswerDelta | TokenUsage]:
        server = await asyncio.start_server(partial(_say, OK + odd + end), "127.0.0.1", 0)
        settings.TUTOR_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            return await answer(5)

    assert asyncio.run(meet())[0] == AnswerDelta("a\ufffdb\ufffdc 😀", 1)


@pytest.mark.parametrize("tokens", [b'"12"', b"-1", b"1.5", b"true", b"null"])
def test_a_usage_that_is_not_a_number_is_ignored(tokens: bytes, settings: Settings) -> None:
    used = (
        b'data: {"choices": [{"finish_reason": "stop", "delta": {}}], "usage": {"completion_tokens": %s}}\n\n'
    )

    async def meet() -> AnswerDelta | TokenUsage:
        server = await asyncio.start_server(partial(_say, OK + WORD + used % tokens), "127.0.0.1", 0)
        settings.TUTOR_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            return (await answer(5))[-1]

    assert asyncio.run(meet()) == TokenUsage(None, None, has_reached_limit=False)


def test_the_request_id_is_sent_to_the_server(settings: Settings) -> None:
    heard = b""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        settings.TUTOR_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            with pytest.raises(errors.ModelUnreachable):
                await answer(5)

    asyncio.run(ask())
    assert f"x-request-id: {NAME}".encode() in heard.lower()


def test_what_a_server_says_of_a_refusal_is_not_repeated(settings: Settings) -> None:
    reply = OK + b'data: {"error": {"message": "bad words: my question", "code": "content_filter"}}\n\n'
    message = ""

    async def meet() -> None:
        nonlocal message
        server = await asyncio.start_server(partial(_say, reply), "127.0.0.1", 0)
        settings.TUTOR_BASE_URL = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            with pytest.raises(errors.ModelRefused) as raised:
                await answer(5)
        message = str(raised.value)

    asyncio.run(meet())
    assert message == "content_filter"


def test_a_server_that_is_not_there_is_unreachable(settings: Settings) -> None:
    settings.TUTOR_BASE_URL = "http://127.0.0.1:9/v1"
    with pytest.raises(errors.ModelUnreachable):
        asyncio.run(answer(5))


@pytest.mark.parametrize(
    ("address", "at_home"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://model:8080/v1", True),
        ("http://192.168.1.20:8080/v1", True),
        ("https://api.example.com/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://134744072/v1", False),
        ("http://0x8.8.2056/v1", False),
        ("http://2130706433/v1", True),
    ],
)
def test_whether_questions_leave_the_house(address: str, at_home: bool) -> None:
    assert is_private_address(address) is at_home


def test_a_price_is_rounded_up_to_whole_microdollars() -> None:
    prices = Prices(input=150_000, output=600_000)
    assert prices.calculate_cost(prompt_tokens=1000, answer_tokens=100) == 210
    assert prices.calculate_cost(prompt_tokens=1, answer_tokens=0) == 1
    assert prices.calculate_cost(prompt_tokens=0, answer_tokens=0) == 0


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{not json", "must be JSON"),
        ("[1]", "must be a JSON object"),
        ('{"stream": false, "max_tokens": 9}', "must not set max_tokens, stream"),
    ],
)
def test_invalid_extra_fields_stop_the_start(written: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        parse_extra_body(written)


def test_an_unknown_prompt_profile_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match='"full" or "small"'):
        parse_prompt_profile("tiny")
    assert parse_prompt_profile("small") == "small"


def test_fields_are_added_to_a_request_as_json() -> None:
    assert parse_extra_body("") == parse_extra_body(" ") == {}
    assert parse_extra_body('{"temperature": 0.3}') == {"temperature": 0.3}


def test_cached_tokens_have_a_price_of_their_own(settings: Settings) -> None:
    settings.TUTOR_INPUT_PRICE, settings.TUTOR_OUTPUT_PRICE = 1.0, 2.0
    usage = {"prompt_tokens": 100, "answer_tokens": 10, "cached_tokens": 80}
    assert get_settings_model().prices.calculate_cost(**usage) == 120
    settings.TUTOR_CACHED_INPUT_PRICE = 0.1
    assert get_settings_model().prices.calculate_cost(**usage) == 48
