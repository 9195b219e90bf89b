"""Streams a turn to programs as server-sent events: its text, and finally the whole turn."""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from uuid import UUID

from django.db import DatabaseError
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import Person
from chat import streaming
from chat.api.serializers import serialize_turn
from chat.models import Turn
from chat.selectors import get_turn
from chat.streaming import parse_entry_id
from chat.streaming.reader import (
    KEEPALIVE,
    TurnReader,
    build_event_response,
    count_as_open_stream,
    follow_turn,
    format_event,
    read_database,
    require_stream_slot,
)
from courses.retrieval.search import FoundPassage, get_passages
from kit.not_found import raise_404_on
from rest.problems import NOT_FOUND, RATE_LIMITED
from rest.rendering import SurrogateSafeJSONRenderer
from rest.schema import describe_responses
from rest.views import SignedInView
from telemetry.context import bind_log_ids

logger = logging.getLogger(__name__)

EVENTS_DESCRIPTION = """
- `text`, with an id: `{"at": 12, "text": "…"}`. The text belongs at that character (Unicode code point) of the
  answer: keep the text before it, and replace the text after it. With `"withdrawn": true` a sentence was found unsafe:
  `at` is 0, and the text is all that stays. Say so, and never show the rest again. `done` follows.
- `state`: `{"state": "queued"}`, `{"state": "working"}` or `{"state": "deferred"}`, every few seconds before the first
  text, and later whenever there is no text for about ten seconds.

Every stream ends with one of these:

- `done`: the turn as `turns_read` returns it, with its whole answer, usage and passages. It is the final version: a cut
  answer has text in the stream and none here.
- `gone`: the turn was deleted.
- `unavailable`: the stream cannot be read now. The question is safe. Connect again with the last id as `Last-Event-ID`.
"""


LAST_EVENT_PARAMETER = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="The id of the last event that you received. The stream continues after it.",
)


class EventStreamRenderer(SurrogateSafeJSONRenderer):
    """A renderer for clients that accept only event streams: without it they would get 406. Problems are still JSON."""

    media_type = "text/event-stream"
    format = "events"


def accepts_events(request: Request) -> bool:
    """Return whether a request asks for an event stream."""
    return request.accepted_renderer.media_type == EventStreamRenderer.media_type


class TurnEvents(SignedInView):
    renderer_classes = [EventStreamRenderer, SurrogateSafeJSONRenderer]

    @extend_schema(
        operation_id="turns_events",
        parameters=[LAST_EVENT_PARAMETER],
        responses=describe_responses(
            {(200, EventStreamRenderer.media_type): OpenApiResponse(str, description=EVENTS_DESCRIPTION)},
            NOT_FOUND,
            RATE_LIMITED,
        ),
    )
    def get(self, request: Request, turn_id: UUID) -> StreamingHttpResponse:
        """Follow one of your turns until it ends."""
        bind_log_ids(turn=turn_id)
        with raise_404_on(Turn.DoesNotExist):
            turn = get_turn(self.person, turn_id)
        require_stream_slot(self.person.pk)
        passages = get_passages(turn.passages)
        return build_event_response(_follow(self.person, turn, passages, request))


def build_turn_response(
    request: Request, person: Person, turn: Turn, *, status: int, headers: Mapping[str, str]
) -> StreamingHttpResponse:
    """Return a stream with the turn as its first event, and then the events of the turn until it ends.

    The caller must have required a stream slot.
    """
    passages = get_passages(turn.passages)
    first = _format_event("turn", serialize_turn(turn, passages))
    return build_event_response(
        _follow(person, turn, passages, request, first), status=status, headers=headers
    )


def _follow(
    person: Person, turn: Turn, passages: Mapping[str, FoundPassage], request: Request, first: bytes = b""
) -> AsyncGenerator[bytes]:
    """Return `first` and the events of a turn of the person, counted as an open stream.

    `passages` are those that the turn cites, by key.
    """
    reader, after = TurnReader.from_person(person), request.headers.get("Last-Event-ID", "")
    events = _stream_text(reader, turn.pk, after) if turn.is_live else _yield_turn(turn)
    return count_as_open_stream(person.pk, _stream_events(turn.pk, events, passages, first))


async def _yield_turn(turn: Turn) -> AsyncGenerator[bytes | Turn]:
    yield turn


async def _stream_events(
    turn_id: UUID,
    events: AsyncGenerator[bytes | Turn],
    passages: Mapping[str, FoundPassage],
    first: bytes = b"",
) -> AsyncGenerator[bytes]:
    """Yield `first` and the events. The last event is `done`, with the ended turn, or `gone` or `unavailable`."""
    if first:
        yield first
    try:
        async with aclosing(events):
            async for event in events:
                yield event if isinstance(event, bytes) else await _format_done(event, passages)
    except Turn.DoesNotExist:
        yield _format_event("gone", {})
    except (streaming.StreamUnavailable, DatabaseError):
        yield _format_event("unavailable", {})
    except Exception:
        logger.exception("Unexpected error in the events of turn %s.", turn_id)
        yield _format_event("unavailable", {})


async def _stream_text(reader: TurnReader, turn_id: UUID, after: str) -> AsyncGenerator[bytes | Turn]:
    """Yield keepalives, the turn's states and its text after the event `after`, and finally the ended turn."""
    known = parse_entry_id(after)
    async with aclosing(follow_turn(reader, turn_id)) as items:
        async for item in items:
            if item is None:
                yield KEEPALIVE
            elif isinstance(item, Turn):
                yield _format_state(item) if item.is_live else item
            elif parse_entry_id(item.id) > known:
                withdrawn = {"withdrawn": True} if item.is_withdrawal else {}
                yield _format_event("text", {"at": item.at, "text": item.text} | withdrawn, item.id)


def _format_state(turn: Turn) -> bytes:
    return KEEPALIVE + _format_event("state", {"state": turn.state})


async def _format_done(turn: Turn, passages: Mapping[str, FoundPassage]) -> bytes:
    if not passages.keys() >= set(turn.passages):
        # A verdict during the answer may have replaced the passages.
        passages = await read_database(get_passages, turn.passages)
    # Who may read a card is asked of the database now and then.
    return _format_event("done", await read_database(serialize_turn, turn, passages))


def _format_event(name: str, data: object, event_id: str = "") -> bytes:
    # Thousands of events a second: DRF's renderer would do more work than an encoder needs.
    return format_event(json.dumps(data, cls=JSONEncoder, ensure_ascii=False), name=name, event_id=event_id)
