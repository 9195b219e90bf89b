"""Sends a turn's stream to one page as server-sent events.

A page that lost its connection comes back with the id of the last event it saw, and continues from there.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cached_property
from uuid import UUID

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Person
from chat import streaming
from chat.formatting import format_deferral
from chat.models import Turn, TurnState
from chat.selectors import get_turn_status
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
from chat.streaming.rendering import AnswerGrowth, SharedAnswer, get_shared_answer
from chat.streaming.tokens import WrongStreamToken, read_stream_token
from chat.turns.queue import format_queue_wait
from chat.web.conversation import build_composer, render_end_swaps, render_partial
from kit.not_found import raise_404_on
from telemetry.context import bind_log_ids

logger = logging.getLogger(__name__)

DONE = format_event("", name="done")
# The stream cannot be read now. The page comes back with the last id that it has.
TRY_AGAIN = format_event("", name="again")


@require_GET
def turn_stream(request: HttpRequest, turn_id: UUID) -> HttpResponseBase:
    """Stream the events of a turn to its asker. 401 without a session, 404 for another person's turn.

    The page's first request has a token, which needs no database; 404 if it is not for this turn and session. Every
    stream ends with the event `done`, after the whole turn, or with `again` if the page must come back.
    """
    bind_log_ids(turn=turn_id)
    is_live, is_deferred = True, False
    try:
        reader = _find_token_reader(request, turn_id)
    except WrongStreamToken:
        return HttpResponse(status=404)
    if reader is None:
        if not isinstance(person := request.user, Person):
            return HttpResponse(status=401)
        with raise_404_on(Turn.DoesNotExist):
            is_live, is_deferred = get_turn_status(person, turn_id)
        reader = TurnReader.from_person(person)
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    require_stream_slot(reader.person_id)
    page = PageStream(request, reader, turn_id, after, is_deferred=is_deferred)
    events = page.list_events() if is_live else None
    return build_event_response(
        count_as_open_stream(reader.person_id, _relay(request, reader, turn_id, events))
    )


def _find_token_reader(request: HttpRequest, turn_id: UUID) -> TurnReader | None:
    """Return the reader that the address names, or None if the session must be asked. Raises WrongStreamToken."""
    token = request.GET.get("token")
    person_id = read_stream_token(request, turn_id, token) if token else None
    return None if person_id is None else TurnReader(person_id)


async def _relay(
    request: HttpRequest, reader: TurnReader, turn_id: UUID, events: AsyncGenerator[bytes | Turn] | None
) -> AsyncGenerator[bytes]:
    """Yield the events, and then the whole turn: the last event if it is a turn, or else as the database has it."""
    ended = None
    try:
        if events:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, bytes):
                        yield event
                    else:
                        ended = event
        yield await read_database(_format_end, request, reader, turn_id, ended)
        yield DONE
    except Turn.DoesNotExist:
        yield _format_status(turn_id, _("This conversation was deleted."))
        yield DONE
    except (streaming.StreamUnavailable, DatabaseError):
        yield _format_status(
            turn_id, _("The connection to the tutor was lost. Your question is safe. Trying again.")
        )
        yield TRY_AGAIN
    except Exception:
        logger.exception("Unexpected error in the stream of turn %s.", turn_id)
        yield TRY_AGAIN


class PageStream:
    """The events of a turn for one page that has those up to `after`, as htmx swaps."""

    def __init__(
        self, request: HttpRequest, reader: TurnReader, turn_id: UUID, after: str, *, is_deferred: bool
    ) -> None:
        self._request = request
        self._reader = reader
        self._turn_id = turn_id
        self._sent_id = after
        # Whether the page says that the turn is deferred, and whether it says what the turn waits for.
        self._is_deferred = self._has_waited = is_deferred
        self._has_words = False
        self._shown_text = ""

    @cached_property
    def _answer(self) -> SharedAnswer:
        # Needs a running event loop, so not before the first event.
        return get_shared_answer(self._turn_id)

    async def list_events(self) -> AsyncGenerator[bytes | Turn]:
        """Yield the turn's events, and at last the ended turn."""
        async with aclosing(follow_turn(self._reader, self._turn_id)) as news:
            async for new in news:
                if isinstance(new, streaming.StreamEntry):
                    if event := await self._show_entry(new):
                        yield event
                    continue
                if new is None or new.is_live:
                    yield KEEPALIVE
                if new and new.is_live and (event := await self._show_wait(new)):
                    yield event
                # The last text may have arrived while the answer rested.
                if event := await self._show_growth(must_be_new=True):
                    yield event
                if new and not new.is_live:
                    yield new

    async def _show_entry(self, entry: streaming.StreamEntry) -> bytes:
        self._answer.add(entry)
        self._has_words = bool(entry.text) or entry.at > 0
        growth = await self._show_growth(must_be_new=entry.is_withdrawal)
        if not growth or not entry.is_withdrawal:
            return growth
        return growth + _format_status(
            self._turn_id, _("Part of this answer was taken back."), name="withdrawn"
        )

    async def _show_growth(self, *, must_be_new: bool) -> bytes:
        """Return the events for what has grown; empty if nothing has."""
        growth = await self._answer.get_growth_after(self._sent_id, must_be_new=must_be_new)
        if growth is None:
            return b""
        self._sent_id, has_waited, self._has_waited = growth.entry_id, self._has_waited, False
        events = b""
        if self._is_deferred:
            events = await self._end_deferral(await read_database(self._reader.get_turn, self._turn_id))
        return events + _format_growth(self._turn_id, growth, _("Writing an answer.") if has_waited else "")

    async def _show_wait(self, turn: Turn) -> bytes:
        """Return the events for what the turn waits for; empty if the page says so already."""
        words, events = await _explain_wait(turn, has_words=self._has_words), b""
        # A deferred turn may wait for hours: say why only once.
        if words and not (turn.state == TurnState.DEFERRED and words == self._shown_text):
            events += _format_status(self._turn_id, words)
            self._has_waited, self._shown_text = True, words
        if self._is_deferred and turn.state != TurnState.DEFERRED:
            events += await self._end_deferral(turn)
        return events

    async def _end_deferral(self, turn: Turn) -> bytes:
        self._is_deferred = False
        return await read_database(_format_actions, self._request, turn)


async def _explain_wait(turn: Turn, *, has_words: bool) -> str:
    """Return the status text while there is no first word yet, or "" if there is nothing new to say."""
    if turn.state == TurnState.DEFERRED:
        return format_deferral(turn)
    if turn.state == TurnState.QUEUED:
        return await read_database(format_queue_wait, turn)
    phase = None if has_words else await read_database(streaming.get_phase, turn.pk)
    if phase is streaming.ModelPhase.LOADING:
        return _("The model is loading.")
    if phase is streaming.ModelPhase.FALLBACK:
        return _("The first model didn’t answer. Asking another one.")
    return _("The model is thinking.") if phase is streaming.ModelPhase.THINKING else ""


def _format_growth(turn_id: UUID, growth: AnswerGrowth, status: str = "") -> bytes:
    swaps = _format_swap(f"turn-{turn_id}-status", "innerHTML", status) if status else ""
    if growth.finished_html or growth.begins_again:
        swap = "innerHTML" if growth.begins_again else "beforeend"
        swaps += _format_swap(f"turn-{turn_id}-finished", swap, growth.finished_html)
    swaps += _format_swap(f"turn-{turn_id}-growing", "innerHTML", growth.growing_html)
    return format_event(swaps, event_id=growth.entry_id)


def _format_status(turn_id: UUID, words: str, *, name: str = "") -> bytes:
    return format_event(_format_swap(f"turn-{turn_id}-status", "innerHTML", words), name=name)


def _format_actions(request: HttpRequest, turn: Turn) -> bytes:
    """Return the composer's buttons for a turn that was deferred and is being answered now."""
    composer = build_composer(turn.conversation.owner, turn.conversation, live_turn=turn)
    return format_event(render_partial("composer_actions_swap", request, composer=composer))


def _format_end(request: HttpRequest, reader: TurnReader, turn_id: UUID, ended: Turn | None) -> bytes:
    turn = ended or reader.get_turn(turn_id)
    composer = build_composer(reader.get_person(), turn.conversation, live_turn=None)
    # Keep a question that is being typed, unless the tutor rests from now on.
    swap = "composer_swap" if composer.pause else "composer_actions_swap"
    return format_event(render_end_swaps(request, turn) + render_partial(swap, request, composer=composer))


def _format_swap(target: str, how: str, html: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="{how}">{html}</hx-partial>'
