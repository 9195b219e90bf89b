"""Streams a turn's text to programs as server-sent events."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from django.db import DatabaseError
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import Person
from chat import streaming
from chat.api.serializers import serialize_turn
from chat.models import Turn
from chat.selectors import get_turn, is_turn_live
from chat.streaming import parse_entry_id
from chat.streaming.sse import (
    KEEPALIVE,
    build_event_response,
    count_open,
    follow_turn,
    format_event,
    read_database,
    require_stream_slot,
)
from kit.not_found import raise_404_on
from rest.problems import NOT_FOUND
from rest.schema import describe_responses
from rest.views import SignedInView
from telemetry.context import bind_log_ids

logger = logging.getLogger(__name__)

EVENTS_DESCRIPTION = """
- `words`, with an id: `{"at": 12, "text": "…"}`. The text belongs at that character (Unicode code point) of the
  answer: keep the text before it, and replace the text after it. With `"withdrawn": true` a sentence was found unsafe:
  `at` is 0, and the text is all that stays. Say so, and never show the rest again. `done` follows.
- `state`: `{"state": "queued"}` or `{"state": "working"}`, every few seconds without new text.

Every stream ends with one of these:

- `done`: the turn as `turns_read` returns it, with its whole answer, usage and lessons. It is the final version: a cut
  answer has text in the stream and none here.
- `gone`: the turn was deleted.
- `away`: the stream cannot be read now. The question is safe. Come back with the last id.
"""


class EventStream(JSONRenderer):
    """Lets clients that accept only event streams through content negotiation. Problems are still JSON."""

    media_type = "text/event-stream"
    format = "events"


class TurnEvents(SignedInView):
    renderer_classes = [EventStream, JSONRenderer]

    @extend_schema(
        operation_id="turns_events",
        parameters=[
            OpenApiParameter(
                "Last-Event-ID",
                str,
                OpenApiParameter.HEADER,
                description="The id of the last event that you received. The stream continues after it.",
            )
        ],
        responses=describe_responses(
            {(200, "text/event-stream"): OpenApiResponse(str, description=EVENTS_DESCRIPTION)}, NOT_FOUND
        ),
    )
    def get(self, request: Request, turn_id: UUID) -> StreamingHttpResponse:
        """Follow one of your turns until it ends."""
        bind_log_ids(turn=turn_id)
        with raise_404_on(Turn.DoesNotExist):
            is_live = is_turn_live(self.person, turn_id)
        after = request.headers.get("Last-Event-ID", "")
        require_stream_slot(self.person)
        text_events = _stream_text(self.person, turn_id, after) if is_live else None
        return build_event_response(
            count_open(self.person, _stream_events(self.person, turn_id, text_events))
        )


async def _stream_events(
    person: Person, turn_id: UUID, text_events: AsyncGenerator[bytes] | None
) -> AsyncGenerator[bytes]:
    try:
        if text_events:
            async with aclosing(text_events):
                async for event in text_events:
                    yield event
        yield await read_database(_format_done, person, turn_id)
    except Turn.DoesNotExist:
        yield _format_event("gone", {})
    except (streaming.StreamUnavailable, DatabaseError):
        yield _format_event("away", {})
    except Exception:
        logger.exception("Unexpected error in the events of turn %s.", turn_id)
        yield _format_event("away", {})


async def _stream_text(person: Person, turn_id: UUID, after: str) -> AsyncGenerator[bytes]:
    known = parse_entry_id(after)
    async with aclosing(follow_turn(person, turn_id)) as items:
        async for item in items:
            if isinstance(item, Turn):
                yield KEEPALIVE
                yield _format_event("state", {"state": item.state})
            elif parse_entry_id(item.id) > known:
                withdrawn = {"withdrawn": True} if item.is_withdrawal else {}
                yield _format_event("words", {"at": item.at, "text": item.text} | withdrawn, item.id)


def _format_done(person: Person, turn_id: UUID) -> bytes:
    return _format_event("done", serialize_turn(get_turn(person, turn_id)))


def _format_event(name: str, data: object, event_id: str = "") -> bytes:
    # Thousands of events a second: DRF's renderer would do more work than an encoder needs.
    return format_event(json.dumps(data, cls=JSONEncoder, ensure_ascii=False), name=name, event_id=event_id)
