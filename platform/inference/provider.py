"""Streams one answer from an OpenAI-compatible server. The only module that knows the `openai` client."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

import openai
from django.conf import settings

from inference.errors import ModelGarbled, ModelRefused, ModelSilent, ModelUnreachable
from inference.talk import Message, Usage, Words

# A small server answers one after another, so the first token may wait for the answers before it.
FIRST_TOKEN_SECONDS = 60.0
NEXT_TOKEN_SECONDS = 20.0
CONNECT_SECONDS = 3.0
COUNT_SECONDS = 2.0
# In bytes. A chunk that carries one token is some hundreds of them.
LONGEST_LINE = 1_000_000
# JSON can spell a NUL and half of a character. PostgreSQL takes neither, and one checkpoint keeps many answers.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = WeakKeyDictionary()


def _client() -> openai.AsyncOpenAI:
    # Making a client costs some 20 ms and a connection pool belongs to its loop: one is kept for each loop.
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = openai.AsyncOpenAI(
            base_url=settings.TUTOR_BASE_URL,
            api_key=settings.TUTOR_API_KEY,
            max_retries=1,
            # Longer than our own patience, which can tell a model that is silent from one that went away.
            timeout=openai.Timeout(FIRST_TOKEN_SECONDS + CONNECT_SECONDS, connect=CONNECT_SECONDS),
            http_client=openai.DefaultAioHttpClient(),
        )
    return _clients[loop]


async def provider_answers() -> None:
    """Ask the server for its models. Raises whatever the client raises when it does not answer."""
    await _client().with_options(max_retries=0).models.list()


async def answer_stream(
    *, messages: Sequence[Message], answer_tokens: int, request_id: str
) -> AsyncGenerator[Words | Usage]:
    """Yield the answer's words as the model makes them, then its Usage.

    `answer_tokens` caps what is generated; `request_id` is told to the server, for its log and ours. Closing the
    generator closes the connection, which stops the model.
    Raises ModelUnreachable, ModelRefused, ModelSilent or ModelGarbled.
    """
    try:
        async with AsyncExitStack() as stack:
            chunks = await _open(stack, messages, answer_tokens, request_id)
            async for piece in _pieces(chunks):
                yield piece
    except openai.APITimeoutError as fault:
        # The transport calls a refused connection a timeout too; only its cause's name tells them apart.
        is_away = type(fault.__cause__).__name__ == "ConnectTimeout"
        raise (ModelUnreachable if is_away else ModelSilent) from fault
    except openai.APIStatusError as fault:
        raise ModelRefused(f"{fault.status_code}") from fault
    except openai.APIError as fault:
        raise ModelUnreachable from fault


async def tokens_counted(text: str) -> int | None:
    """How many tokens `text` is to the model's own tokenizer; None where its server does not tell.

    llama.cpp and vLLM count at `/tokenize`, beside the API; others report usage instead.
    """
    asked = {"model": settings.TUTOR_MODEL, "content": text, "prompt": text, "add_special_tokens": False}
    address = urljoin(settings.TUTOR_BASE_URL, "/tokenize")
    client = _client().with_options(max_retries=0, timeout=COUNT_SECONDS)
    try:
        told = await client.post(address, cast_to=object, body=asked)
    except openai.APIError:
        return None
    tokens = told.get("tokens") if isinstance(told, dict) else None
    return len(tokens) if isinstance(tokens, list) else None


# OpenAI's newer models take only the second name; most other servers take only the first.
_cap_names: list[Literal["max_tokens", "max_completion_tokens"]] = ["max_tokens", "max_completion_tokens"]


async def _open(
    stack: AsyncExitStack, messages: Sequence[Message], answer_tokens: int, request_id: str
) -> AsyncIterator[bytes]:
    try:
        return await _request(stack, messages, answer_tokens, request_id)
    except openai.BadRequestError as fault:
        if _cap_names[1] not in str(fault):
            raise
        _cap_names.reverse()
        return await _request(stack, messages, answer_tokens, request_id)


async def _request(
    stack: AsyncExitStack, messages: Sequence[Message], answer_tokens: int, request_id: str
) -> AsyncIterator[bytes]:
    # The client's overloads know no parameter whose name is chosen at run time.
    create: Any = _client().chat.completions.with_streaming_response.create
    # The raw response keeps the client's sign-in, retries and errors without an object for every token.
    response: openai.AsyncAPIResponse[Any] = await stack.enter_async_context(
        create(
            model=settings.TUTOR_MODEL,
            messages=list(messages),
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"X-Request-ID": request_id},
            **{_cap_names[0]: answer_tokens},
        )
    )
    return response.iter_bytes()


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[Words | Usage]:
    tokens, finish, usage = 0, "", Usage(prompt_tokens=None, answer_tokens=None, reached_limit=False)
    async for data in _events(chunks):
        said = _said(data)
        usage, finish = said.usage or usage, said.finish or finish
        # Servers send a token a chunk. A model's thinking is generated, and so paid for, but not shown.
        tokens += bool(said.text or said.thought)
        if said.text:
            yield Words(said.text, tokens)
    if not finish:
        raise ModelUnreachable("the stream ended before the answer did")
    yield replace(usage, reached_limit=finish == "length")


@dataclass(frozen=True, slots=True)
class _Said:
    """What one chunk holds."""

    text: str
    thought: str
    finish: str
    usage: Usage | None


def _said(data: dict[str, Any]) -> _Said:
    try:
        choices = data.get("choices") or [{}]
        delta, used = choices[0].get("delta") or {}, data.get("usage")
        return _Said(
            text=_text(delta.get("content")),
            thought=_text(delta.get("reasoning_content")),
            finish=_text(choices[0].get("finish_reason")),
            usage=Usage(
                _count(used.get("prompt_tokens")), _count(used.get("completion_tokens")), reached_limit=False
            )
            if used
            else None,
        )
    except (AttributeError, KeyError, TypeError) as fault:
        raise ModelGarbled from fault


def _count(found: object) -> int | None:
    # What is no number of tokens cannot be billed: then they are counted here.
    return found if type(found) is int and found >= 0 else None


def _text(found: object) -> str:
    if not isinstance(found, str | None):
        raise TypeError
    return UNSTORABLE.sub("\ufffd", found) if found else ""


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    # Bytes as they come, and not the client's lines: its layers cost more for each token than all that follows.
    unread, patience = b"", FIRST_TOKEN_SECONDS
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks, None), patience)
        except TimeoutError as fault:
            raise ModelSilent from fault
        except Exception as fault:
            # Each transport has errors of its own for a connection that breaks while the body is read.
            raise ModelUnreachable from fault
        *lines, unread = (unread + (b"\n" if chunk is None else chunk)).split(b"\n")
        if len(unread) > LONGEST_LINE:
            raise ModelGarbled
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            if (payload := line[5:].strip()) == b"[DONE]":
                return
            yield _parsed(payload)
            patience = NEXT_TOKEN_SECONDS
        if chunk is None:
            return


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        data = json.loads(payload)
    except ValueError as fault:
        raise ModelGarbled from fault
    if not isinstance(data, dict):
        raise ModelGarbled
    if error := data.get("error"):
        # Its message may quote the question, which has no place in a log.
        raise ModelRefused(str(error.get("code") or error.get("type")) if isinstance(error, dict) else "")
    return data
