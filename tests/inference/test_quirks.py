"""Every quirk of a model's server over real HTTP, as the provider reads it. tests/chat has the worker's side."""

import asyncio
from contextlib import aclosing

import pytest
from pytest_django import Settings

from chat.answering.writing import END_REASON_BY_ERROR
from chat.models import EndReason
from inference.errors import ModelError
from inference.messages import TokenUsage
from inference.provider import stream_answer
from tests.endpoints import get_endpoint
from tests.quirk_cases import CASES, Case
from tests.scripted import scripted


class Came:
    """An answer as the provider read it."""

    def __init__(self) -> None:
        self.text, self.seen, self.tokens = "", "", 0
        self.usage: TokenUsage | None = None
        self.error: ModelError | None = None

    @property
    def end_reason(self) -> EndReason:
        if self.error:
            return END_REASON_BY_ERROR[type(self.error)]
        return EndReason.LENGTH_LIMIT if self.usage and self.usage.has_reached_limit else EndReason.NONE


async def read() -> Came:
    came = Came()
    stream = stream_answer(
        endpoint=get_endpoint(),
        messages=[{"role": "user", "content": "Where does rain come from?"}],
        max_answer_tokens=400,
        request_id="a-turn",
    )
    async with aclosing(stream) as pieces:
        try:
            async for piece in pieces:
                if isinstance(piece, TokenUsage):
                    came.usage = piece
                    continue
                came.text = piece.text if piece.begins_again else came.text + piece.text
                came.seen += piece.text
                came.tokens = piece.tokens
        except ModelError as error:
            came.error = error
    return came


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_server_that_sends(case: Case, settings: Settings) -> None:
    with scripted(*case.scripts) as model:
        settings.TUTOR_BASE_URL, settings.TUTOR_MODEL = model.url, case.model
        settings.TUTOR_FIRST_TOKEN_SECONDS = settings.TUTOR_NEXT_TOKEN_SECONDS = case.patience
        came = asyncio.run(read())
    assert came.end_reason == case.end_reason
    if not (came.error and came.error.withholds_answer):
        assert came.text.strip() == case.text
    assert case.shows_briefly or "ZEBRA" not in came.seen
    if case.asked:
        assert len(model.asked) == case.asked
    if came.tokens or (came.usage and came.usage.answer_tokens):
        assert came.usage
        reported = came.usage.prompt_tokens, came.usage.answer_tokens, came.usage.cached_tokens
        assert reported == (case.prompt, case.generated, case.cached)
    if case.generated is None:
        assert min(came.tokens, 400) in case.estimate
