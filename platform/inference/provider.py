"""Streams one answer from an OpenAI-compatible server. The only module of answers that knows the `openai` client.

What servers send besides what OpenAI documents stands in inference.quirks; docs/adr/0036 says how it is read.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

from django.conf import settings

from inference import errors
from inference.answer_reader import AnswerReader
from inference.error_mapping import is_model_loading, map_status_error
from inference.messages import AnswerDelta, ChatMessage, TokenUsage
from inference.quirks import THINKS_FIRST
from inference.sse import EventReader
from kit.lazy import lazy_module

if TYPE_CHECKING:
    import openai
else:
    openai = lazy_module("openai")

CONNECT_SECONDS = 3.0
COUNT_TIMEOUT_SECONDS = 2.0
# A server that is busy or failed is asked once more after so long, or after what it says where that is not much longer.
RETRY_SECONDS = 0.5
MAX_RETRY_SECONDS = 3.0
# One that is loading its model is asked again this often, for as long as a first word may take.
LOADING_SECONDS = 2.0
# What servers say that have an address for answers and none for a list of their models.
NO_MODEL_LIST_STATUSES = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
}

_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]" = WeakKeyDictionary()


def load_client() -> None:
    """Import the client now, which takes most of a second, rather than when a question waits for its answer."""
    _ = openai.AsyncOpenAI, openai.DefaultAioHttpClient  # the first look imports it


def _client() -> "openai.AsyncOpenAI":
    # Making a client costs some 20 ms and a connection pool belongs to its loop: one is kept for each loop.
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = openai.AsyncOpenAI(
            base_url=settings.TUTOR_BASE_URL,
            api_key=settings.TUTOR_API_KEY,
            # Its own retries would wait in silence for as long as a server says.
            max_retries=0,
            # Longer than our own patience, which can tell a model that is silent from one that went away.
            timeout=openai.Timeout(
                settings.TUTOR_FIRST_TOKEN_SECONDS + CONNECT_SECONDS, connect=CONNECT_SECONDS
            ),
            http_client=openai.DefaultAioHttpClient(),
        )
    return _clients[loop]


@dataclass
class ServerProfile:
    """What this process has learned of one server and model."""

    # OpenAI's newer models take only the second name; most other servers take only the first.
    cap_names: list[str] = field(default_factory=lambda: ["max_tokens", "max_completion_tokens"])
    reports_usage: bool = True
    # Whether answers begin inside the model's thinking. None: its name says that they may.
    thinks_first: bool | None = False


_profiles: dict[tuple[str, str], ServerProfile] = {}


def _get_profile() -> ServerProfile:
    key = settings.TUTOR_BASE_URL, settings.TUTOR_MODEL
    if key not in _profiles:
        may = None if THINKS_FIRST.search(settings.TUTOR_MODEL) else False
        _profiles[key] = ServerProfile(thinks_first=settings.TUTOR_THINKS_FIRST or may)
    return _profiles[key]


async def check_provider() -> None:
    """Ask the server for its models. Raises whatever the client raises when it does not answer."""
    await _client().models.list()


async def find_server_error() -> errors.ModelError | None:
    """What keeps the server from telling its models; None when it answers, if only that it has no such list."""
    try:
        await _client().get("/models", cast_to=object)
    except (openai.APIResponseValidationError, ValueError):
        # It is there, whatever it says.
        return None
    except openai.APIStatusError as fault:
        return None if fault.status_code in NO_MODEL_LIST_STATUSES else _map_error(fault)
    except openai.APIError as fault:
        return _map_error(fault)
    return None


async def stream_answer(
    *, messages: Sequence[ChatMessage], answer_tokens: int, request_id: str
) -> AsyncGenerator[AnswerDelta | TokenUsage]:
    """Yield the answer's words as the model makes them, then its Usage.

    `answer_tokens` caps what is generated; `request_id` is told to the server, for its log and ours. Closing the
    generator closes the connection, which stops the model. Raises a ModelFault where there is no whole answer, after
    the Usage where the server had begun to answer.
    """
    habits, began = _get_profile(), asyncio.get_running_loop().time()
    question = CompletionRequest(
        messages, answer_tokens, request_id, began + settings.TUTOR_FIRST_TOKEN_SECONDS
    )
    try:
        async with AsyncExitStack() as stack:
            response = await _open_stream(stack, question, habits)
            events = EventReader(
                response.iter_bytes(),
                first=settings.TUTOR_FIRST_TOKEN_SECONDS,
                following=settings.TUTOR_NEXT_TOKEN_SECONDS,
                began=began,
            )
            reader = AnswerReader(events, cap=answer_tokens, thinks_first=habits.thinks_first is not False)
            async for piece in reader.pieces():
                yield piece
            if habits.thinks_first is None:
                habits.thinks_first = reader.thinking.began_inside
            habits.thinks_first = habits.thinks_first or reader.thinking.began_inside
    except openai.APIError as fault:
        raise _map_error(fault) from fault


async def count_tokens(text: str) -> int | None:
    """How many tokens `text` is to the model's own tokenizer; None where its server does not tell.

    llama.cpp and vLLM count at `/tokenize`, beside the API; others report usage instead.
    """
    asked = {"model": settings.TUTOR_MODEL, "content": text, "prompt": text, "add_special_tokens": False}
    address = urljoin(settings.TUTOR_BASE_URL, "/tokenize")
    client = _client().with_options(timeout=COUNT_TIMEOUT_SECONDS)
    try:
        told = await client.post(address, cast_to=object, body=asked)
    except openai.APIError:
        return None
    tokens = told.get("tokens") if isinstance(told, dict) else None
    return len(tokens) if isinstance(tokens, list) else None


@dataclass(frozen=True)
class CompletionRequest:
    """What is asked, and until when its first word is waited for."""

    messages: Sequence[ChatMessage]
    answer_tokens: int
    request_id: str
    give_up_at: float


async def _open_stream(
    stack: AsyncExitStack, question: CompletionRequest, habits: ServerProfile
) -> "openai.AsyncAPIResponse[Any]":
    """Ask, in the way that this server takes, and once more where that is likely to help."""
    retried = False
    while True:
        try:
            return await _send_request(stack, question, habits)
        except openai.APIError as fault:
            if _learn_from_error(fault, habits):
                continue
            pause = _pause_before_retry(fault, question, retried=retried)
            if pause is None:
                raise
            retried = retried or not _is_loading(fault)
        await asyncio.sleep(pause)


async def _send_request(
    stack: AsyncExitStack, question: CompletionRequest, habits: ServerProfile
) -> "openai.AsyncAPIResponse[Any]":
    # The client's overloads know no parameter whose name is chosen at run time.
    create: Any = _client().chat.completions.with_streaming_response.create
    more = {"stream_options": {"include_usage": True}} if habits.reports_usage else {}
    # The raw response keeps the client's sign-in and errors without an object for every token.
    response: openai.AsyncAPIResponse[Any] = await stack.enter_async_context(
        create(
            model=settings.TUTOR_MODEL,
            messages=list(question.messages),
            stream=True,
            extra_headers={"X-Request-ID": question.request_id},
            extra_body=settings.TUTOR_EXTRA_BODY or None,
            **{habits.cap_names[0]: question.answer_tokens},
            **more,
        )
    )
    return response


USAGE_FIELD = re.compile("stream_options|include_usage")


def _learn_from_error(fault: "openai.APIError", habits: ServerProfile) -> bool:
    """Whether the server named a field that it does not take, so that it is asked again without it."""
    if not isinstance(fault, openai.BadRequestError | openai.UnprocessableEntityError):
        return False
    told = str(fault)
    if habits.reports_usage and USAGE_FIELD.search(told):
        habits.reports_usage = False
        return True
    if habits.cap_names[0] == "max_tokens" and habits.cap_names[1] in told:
        habits.cap_names.reverse()
        return True
    return False


def _pause_before_retry(
    fault: "openai.APIError", question: CompletionRequest, *, retried: bool
) -> float | None:
    """Seconds until the same is asked again; None where it is not."""
    now = asyncio.get_running_loop().time()
    if _is_loading(fault):
        return LOADING_SECONDS if now + LOADING_SECONDS < question.give_up_at else None
    known = _map_error(fault)
    is_passing = isinstance(known, errors.ModelBusy | errors.ModelUnreachable) or (
        isinstance(fault, openai.InternalServerError) and isinstance(known, errors.ModelMisconfigured)
    )
    if retried or not is_passing:
        return None
    pause = RETRY_SECONDS if known.retry_after is None else known.retry_after
    return pause if pause <= MAX_RETRY_SECONDS else None


def _is_loading(fault: "openai.APIError") -> bool:
    return isinstance(fault, openai.APIStatusError) and is_model_loading(fault.status_code, fault.body)


def _map_error(fault: "openai.APIError") -> errors.ModelError:
    if isinstance(fault, openai.APITimeoutError):
        # The transport calls a refused connection a timeout too; only its cause's name tells them apart.
        is_away = type(fault.__cause__).__name__ == "ConnectTimeout"
        return errors.ModelUnreachable() if is_away else errors.ModelTimeout()
    if isinstance(fault, openai.APIStatusError):
        headers: Mapping[str, str] = fault.response.headers
        return map_status_error(fault.status_code, fault.body or fault.message, headers)
    return errors.ModelUnreachable()
