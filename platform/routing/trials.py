"""“Try it”: real, short calls to a model that an admin asks for, and what they show."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import uuid4

from django.utils.translation import gettext as _

from inference import loop
from inference.endpoints import Endpoint
from inference.errors import ModelError, ModelMisconfigured
from inference.messages import AnswerDelta, ChatMessage, TokenUsage
from inference.prices import Prices
from inference.provider import begins_with_thinking, count_tokens, load_client, stream_answer
from inference.tokens import estimate_max_tokens, estimate_tokens
from kit.connections import release_connection
from kit.rate_limits import RateLimit
from routing.breaker import record_success
from routing.formatting import TOOK_TOO_LONG, format_failure
from routing.models import Capability, TutorModel

# The longest answer of a trial, and the time that all its calls may take together.
TRIAL_TOKENS = 60
TRIAL_SECONDS = 30.0
# The answer is waited for a little longer, so that the trial itself can say that it took too long.
GRACE_SECONDS = 5.0
# A chat template may add this many tokens to a prompt. More than that, and the server's count is doubtful.
TEMPLATE_TOKENS = 500
HIDDEN_KEY = "•••"

# Each person, and all admins together: a trial costs money.
trial_rate_limit = RateLimit("model trials", "4/minute;40/day")
all_trials_rate_limit = RateLimit("model trials, all", "10/minute;120/day")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrialCall:
    """One call to a model. `failure` says in a sentence why it gave no whole answer; "" if it did.

    Without `is_reported` the tokens are estimates: the server reports none.
    """

    answer: str = ""
    failure: str = ""
    first_token_seconds: float | None = None
    seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0
    is_reported: bool = False
    # Whether the server reports more tokens than there can be.
    is_doubtful: bool = False
    microdollars: int = 0


@dataclass(frozen=True)
class Trial:
    """The calls of a trial: one, and the same again if it was answered. `capabilities` are those that it found."""

    calls: Sequence[TrialCall]
    capabilities: Sequence[Capability] = ()

    @property
    def is_success(self) -> bool:
        return not self.calls[0].failure

    @property
    def tokens(self) -> int:
        return sum(call.prompt_tokens + call.answer_tokens for call in self.calls)

    @property
    def microdollars(self) -> int:
        return sum(call.microdollars for call in self.calls)


def try_model(model: TutorModel, *, by: object) -> Trial:
    """Ask a model twice, and return what came of it. `by` is the key of the admin for the rate limit.

    Only for a model that the environment allows (formatting.format_obstacle). Waits for TRIAL_SECONDS at most. Raises
    RateLimited.
    """
    trial_rate_limit.hit(by)
    all_trials_rate_limit.hit()
    load_client()
    question = _("Say in one sentence what a token is.")
    release_connection()
    running = loop.submit(_try(model.endpoint, model.prices, question))
    trial = running.result(TRIAL_SECONDS + GRACE_SECONDS)
    if trial.is_success:
        record_success(model.pk)
    return trial


async def _try(endpoint: Endpoint, prices: Prices, question: str) -> Trial:
    deadline = asyncio.get_running_loop().time() + TRIAL_SECONDS
    first = await _call(endpoint, prices, question, deadline)
    if first.failure:
        return Trial([first])
    second = await _call(endpoint, prices, question, deadline)
    return Trial([first, second], await _find_capabilities(endpoint, question, [first, second]))


async def _find_capabilities(
    endpoint: Endpoint, question: str, calls: Sequence[TrialCall]
) -> list[Capability]:
    try:
        counted = await count_tokens(endpoint, question)
    except Exception:  # noqa: BLE001 - a broken reply of any kind means that it cannot count
        counted = None
    is_found = {
        Capability.THINKS_FIRST: begins_with_thinking(endpoint),
        Capability.COUNTS_TOKENS: counted is not None,
        Capability.REPORTS_USAGE: calls[0].is_reported,
        Capability.REPORTS_CACHE: any(call.cached_tokens for call in calls),
    }
    return [capability for capability in is_found if is_found[capability]]


class _CallRecord:
    """Collects what a call yields."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.first_token_at: float | None = None
        self.text = ""
        self.tokens = 0
        self.usage = TokenUsage(prompt_tokens=None, answer_tokens=None, has_reached_limit=False)

    def add(self, piece: AnswerDelta | TokenUsage) -> None:
        if isinstance(piece, TokenUsage):
            self.usage = piece
            return
        self.first_token_at = self.first_token_at or time.monotonic()
        self.text = piece.text if piece.begins_again else self.text + piece.text
        self.tokens = piece.tokens


async def _call(endpoint: Endpoint, prices: Prices, question: str, deadline: float) -> TrialCall:
    messages: list[ChatMessage] = [{"role": "user", "content": question}]
    record, failure, is_withheld = _CallRecord(), "", False
    try:
        async with (
            asyncio.timeout_at(deadline),
            aclosing(
                stream_answer(
                    endpoint=endpoint,
                    messages=messages,
                    max_answer_tokens=TRIAL_TOKENS,
                    request_id=f"trial-{uuid4()}",
                )
            ) as stream,
        ):
            async for piece in stream:
                record.add(piece)
    except ModelError as error:
        failure, is_withheld = format_failure(error), error.withholds_answer
    except TimeoutError:
        failure = str(TOOK_TOO_LONG)
    except Exception as error:  # noqa: BLE001 - only its type is logged: its text may contain the key
        logger.warning("A trial of a model failed with %s.", type(error).__name__)
        failure = format_failure(ModelMisconfigured())
    call = _build_call(record, prices, question, failure)
    text = "" if is_withheld else _hide_key(call.answer, endpoint.api_key)
    return replace(call, answer=text)


def _build_call(record: _CallRecord, prices: Prices, question: str, failure: str) -> TrialCall:
    usage, now = record.usage, time.monotonic()
    prompt, answer = usage.prompt_tokens, usage.answer_tokens
    # If the model never sent a word, there is no evidence of any cost.
    estimated = estimate_tokens(question) if record.tokens else 0
    prompt_tokens = estimated if prompt is None else prompt
    answer_tokens = record.tokens if answer is None else answer
    return TrialCall(
        answer=record.text.strip(),
        failure=failure,
        first_token_seconds=record.first_token_at and record.first_token_at - record.began,
        seconds=now - record.began,
        prompt_tokens=prompt_tokens,
        cached_tokens=usage.cached_tokens,
        answer_tokens=answer_tokens,
        is_reported=prompt is not None and answer is not None,
        is_doubtful=prompt_tokens > estimate_max_tokens(question) + TEMPLATE_TOKENS
        or answer_tokens > TRIAL_TOKENS,
        microdollars=prices.calculate_cost(
            prompt_tokens=prompt_tokens, answer_tokens=answer_tokens, cached_tokens=usage.cached_tokens
        ),
    )


def _hide_key(text: str, key: str) -> str:
    """Return an answer without the key, which a server could send back."""
    return text if key == "none" else text.replace(key, HIDDEN_KEY)
