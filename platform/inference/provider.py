"""Streams answers from an OpenAI-compatible server with the `openai` client.

inference.quirks lists how servers deviate from OpenAI's documentation; docs/adr/0036 explains how that is handled.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

from inference import errors
from inference.answer_reader import AnswerReader
from inference.endpoints import Endpoint
from inference.error_mapping import is_model_loading, map_status_error
from inference.messages import AnswerDelta, ChatMessage, TokenUsage
from inference.quirks import THINKS_FIRST
from inference.sse import EventReader
from kit.lazy import lazy_module

if TYPE_CHECKING:
    import httpx2
    import openai
else:
    httpx2, openai = lazy_module("httpx2"), lazy_module("openai")

CONNECT_SECONDS = 3.0
COUNT_TIMEOUT_SECONDS = 2.0
# A busy or failed server is asked once more after this delay, or after its Retry-After up to the maximum.
RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 3.0
# A server that is loading its model is asked again at this interval until the timeout of the first token.
LOADING_RETRY_SECONDS = 2.0
# Statuses of servers that answer questions but have no list of models.
NO_MODEL_LIST_STATUSES = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
}

# Statuses of servers that count no tokens.
NO_TOKENIZER_STATUSES = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}

# The clients of an event loop, by base URL and API key.
type _Clients = dict[tuple[str, str], "openai.AsyncOpenAI"]
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()


def load_client() -> None:
    """Import the client, which takes most of a second, before the first question."""
    _ = openai.AsyncOpenAI, openai.DefaultAioHttpClient  # the attribute access imports it


def get_client(endpoint: Endpoint) -> "openai.AsyncOpenAI":
    """Return the client of the running event loop for this server. For modules of this room."""
    # One client per event loop and server: creating it takes 20 ms, and its connection pool belongs to the loop.
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    key = endpoint.base_url, endpoint.api_key
    if key not in clients:
        clients[key] = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key,
            # The client's own retries wait as long as the server says, without telling us.
            max_retries=0,
            # A redirect could lead to a host that the environment does not allow, with the question and the key.
            http_client=openai.DefaultAioHttpClient(follow_redirects=False),
        )
    return clients[key]


async def close_clients() -> None:
    """Close the connections of the running event loop. The next question opens new ones."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.close()


@dataclass
class ServerProfile:
    """What this process has learned of one server and model."""

    # Names for the limit; the first is sent. Newer OpenAI models accept only the second, so a refusal swaps them.
    limit_fields: list[str] = field(default_factory=lambda: ["max_tokens", "max_completion_tokens"])
    reports_usage: bool = True
    counts_tokens: bool = True
    # Optional fields of requests that it refuses.
    refused_fields: set[str] = field(default_factory=set)
    # Whether answers begin inside the model's thinking. True: seen, or set by an admin. None: the model's name suggests
    # it. False: neither.
    thinks_first: bool | None = False


_profiles: dict[tuple[str, str], ServerProfile] = {}


def _get_profile(endpoint: Endpoint) -> ServerProfile:
    key = endpoint.base_url, endpoint.model
    if key not in _profiles:
        guess = None if THINKS_FIRST.search(endpoint.model) else False
        _profiles[key] = ServerProfile(thinks_first=endpoint.thinks_first or guess)
    return _profiles[key]


def begins_with_thinking(endpoint: Endpoint) -> bool:
    """Return whether this process has seen answers of this model that began inside its thinking."""
    return _get_profile(endpoint).thinks_first is True


async def check_provider(endpoint: Endpoint) -> None:
    """Ask the server for its models. Raises openai.APIError if it does not answer.

    Unlike for `find_server_error`, a server without a list of models fails.
    """
    await get_client(endpoint).models.list()


async def find_server_error(endpoint: Endpoint) -> errors.ModelError | None:
    """Return why the server cannot list its models; None if it answers at all, even with "no such list"."""
    try:
        await get_client(endpoint).get("/models", cast_to=object)
    except (openai.APIResponseValidationError, ValueError):
        # Any response shows that the server answers.
        return None
    except openai.APIStatusError as error:
        return None if error.status_code in NO_MODEL_LIST_STATUSES else map_client_error(error)
    except openai.APIError as error:
        return map_client_error(error)
    return None


async def stream_answer(
    *,
    endpoint: Endpoint,
    messages: Sequence[ChatMessage],
    max_answer_tokens: int,
    request_id: str,
    fields: Mapping[str, Any] | None = None,
) -> AsyncGenerator[AnswerDelta | TokenUsage]:
    """Yield the answer as the model generates it, then its TokenUsage.

    `request_id` is sent to the server for its log. `fields` are extra request fields, such as samplers. The endpoint's
    own fields override them, and a field that the server refuses is dropped. Closing the generator closes the
    connection, which stops the model. Raises ModelError if the answer is incomplete, after the usage if the server had
    begun to answer.
    """
    profile, began = _get_profile(endpoint), asyncio.get_running_loop().time()
    request = CompletionRequest(
        endpoint,
        messages,
        max_answer_tokens,
        request_id,
        began + endpoint.first_token_seconds,
        fields or {},
    )
    try:
        async with AsyncExitStack() as stack:
            events = EventReader(
                await _open_stream(stack, request, profile),
                first=endpoint.first_token_seconds,
                following=endpoint.next_token_seconds,
                began=began,
            )
            reader = AnswerReader(
                events, max_answer_tokens=max_answer_tokens, thinks_first=profile.thinks_first is not False
            )
            async for piece in reader.pieces():
                yield piece
            # Once seen, it is believed for good.
            profile.thinks_first = profile.thinks_first or reader.thinking.began_inside
    except openai.APIError as error:
        raise map_client_error(error) from error
    except Exception as error:
        # The client does not wrap aiohttp's errors when a server breaks HTTP.
        if type(error).__module__.partition(".")[0] != "aiohttp":
            raise
        raise errors.ModelResponseInvalid from error


async def count_tokens(endpoint: Endpoint, text: str) -> int | None:
    """Count tokens with the model's own tokenizer. Returns None if the server cannot.

    llama.cpp and vLLM have `/tokenize`; other servers only report usage, and are not asked again.
    """
    profile = _get_profile(endpoint)
    if not profile.counts_tokens:
        return None
    body = {"model": endpoint.model, "content": text, "prompt": text, "add_special_tokens": False}
    address = urljoin(endpoint.base_url, "/tokenize")
    client = get_client(endpoint).with_options(timeout=COUNT_TIMEOUT_SECONDS)
    try:
        reply = await client.post(address, cast_to=object, body=body)
    except openai.APIStatusError as error:
        profile.counts_tokens = error.status_code not in NO_TOKENIZER_STATUSES
        return None
    except openai.APIError:
        return None
    tokens = reply.get("tokens") if isinstance(reply, dict) else None
    return len(tokens) if isinstance(tokens, list) else None


@dataclass(frozen=True)
class CompletionRequest:
    """A request to the model. `give_up_at` is the event loop's time until which it is retried while the model loads."""

    endpoint: Endpoint
    messages: Sequence[ChatMessage]
    max_answer_tokens: int
    request_id: str
    give_up_at: float
    fields: Mapping[str, Any]


async def _open_stream(
    stack: AsyncExitStack, request: CompletionRequest, profile: ServerProfile
) -> AsyncIterator[bytes]:
    """Send the request, adapted to this server, and retry once if that is likely to help."""
    has_retried = False
    while True:
        try:
            return await _send_request(stack, request, profile)
        except openai.APIError as error:
            if _learn_from_error(error, request, profile):
                continue
            delay = _get_retry_delay(error, request, has_retried=has_retried)
            if delay is None:
                raise
            has_retried = has_retried or not _is_loading(error)
        await asyncio.sleep(delay)


async def _send_request(
    stack: AsyncExitStack, request: CompletionRequest, profile: ServerProfile
) -> AsyncIterator[bytes]:
    """Send the request. Returns the body, which arrives as the model writes it."""
    endpoint = request.endpoint
    optional = {name: value for name, value in request.fields.items() if name not in profile.refused_fields}
    body = {
        "model": endpoint.model,
        "messages": list(request.messages),
        "stream": True,
        profile.limit_fields[0]: request.max_answer_tokens,
        **({"stream_options": {"include_usage": True}} if profile.reports_usage else {}),
        **optional,
        **endpoint.extra_fields,
    }
    # The client's general method keeps its authentication and errors. The one for completions converts each message by
    # its type, which takes as long as sending it. Any, because only the types of streams of objects are declared.
    post: Any = get_client(endpoint).post
    response: httpx2.Response = await post(
        "/chat/completions",
        body=body,
        cast_to=httpx2.Response,
        stream=True,
        stream_cls=openai.AsyncStream[object],
        options={
            "headers": {"X-Request-ID": request.request_id},
            # Longer than our own timeout, which can tell a silent model from a lost connection.
            "timeout": openai.Timeout(
                endpoint.first_token_seconds + CONNECT_SECONDS, connect=CONNECT_SECONDS
            ),
        },
    )
    stack.push_async_callback(response.aclose)
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    # Beneath the layers that decode, which wait for each other at every token.
    undecoded: Any = response.stream
    chunks: AsyncIterator[bytes] = aiter(undecoded)
    return chunks


USAGE_FIELD = re.compile("stream_options|include_usage")


def _learn_from_error(error: "openai.APIError", request: CompletionRequest, profile: ServerProfile) -> bool:
    """Record the fields that the server refuses. Returns whether to retry without them."""
    if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
        return False
    text = str(error)
    if profile.reports_usage and USAGE_FIELD.search(text):
        profile.reports_usage = False
        return True
    if profile.limit_fields[0] == "max_tokens" and profile.limit_fields[1] in text:
        profile.limit_fields.reverse()
        return True
    named_fields = {name for name in request.fields if re.search(rf"\b{re.escape(name)}\b", text)}
    refused = named_fields - profile.refused_fields - request.endpoint.extra_fields.keys()
    profile.refused_fields |= refused
    return bool(refused)


def _get_retry_delay(
    error: "openai.APIError", request: CompletionRequest, *, has_retried: bool
) -> float | None:
    """Return the seconds until a retry; None for no retry."""
    now = asyncio.get_running_loop().time()
    if _is_loading(error):
        return LOADING_RETRY_SECONDS if now + LOADING_RETRY_SECONDS < request.give_up_at else None
    model_error = map_client_error(error)
    # A 500 without a known error maps to ModelMisconfigured (inference.quirks), but often passes.
    is_transient = isinstance(model_error, errors.ModelBusy | errors.ModelUnreachable) or (
        isinstance(error, openai.InternalServerError) and isinstance(model_error, errors.ModelMisconfigured)
    )
    if has_retried or not is_transient:
        return None
    delay = RETRY_SECONDS if model_error.retry_after is None else model_error.retry_after
    return delay if delay <= MAX_RETRY_SECONDS else None


def _is_loading(error: "openai.APIError") -> bool:
    return isinstance(error, openai.APIStatusError) and is_model_loading(error.status_code, error.body)


def map_client_error(error: "openai.APIError") -> errors.ModelError:
    """Return our exception for one of the client's. For modules of this room."""
    if isinstance(error, openai.APITimeoutError):
        # The transport also reports a refused connection as a timeout; only the cause's name differs.
        is_unreachable = type(error.__cause__).__name__ == "ConnectTimeout"
        return errors.ModelUnreachable() if is_unreachable else errors.ModelTimeout()
    if isinstance(error, openai.APIStatusError):
        headers: Mapping[str, str] = error.response.headers
        return map_status_error(error.status_code, error.body or error.message, headers)
    return errors.ModelUnreachable()
