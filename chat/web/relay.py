"""Sends a turn's stream to one page as server-sent events.

A page that lost its connection comes back with the id of the last event it saw, and continues from there.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
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
from chat.selectors import get_turn, get_turn_status
from chat.streaming.rendering import AnswerGrowth, get_shared_answer
from chat.streaming.sse import (
    KEEPALIVE,
    build_event_response,
    count_open,
    follow_turn,
    format_event,
    read_database,
    require_stream_slot,
)
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

    Every stream ends with the event `done`, after the whole turn from the database, or with `again` if the page must
    come back.
    """
    bind_log_ids(turn=turn_id)
    if not isinstance(person := request.user, Person):
        return HttpResponse(status=401)
    with raise_404_on(Turn.DoesNotExist):
        lives, is_deferred = get_turn_status(person, turn_id)
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    require_stream_slot(person)
    words = _stream_text(request, person, turn_id, after, is_deferred=is_deferred) if lives else None
    return build_event_response(count_open(person, _relay(request, person, turn_id, words)))


async def _relay(
    request: HttpRequest, person: Person, turn_id: UUID, words: AsyncGenerator[bytes] | None
) -> AsyncGenerator[bytes]:
    try:
        if words:
            async with aclosing(words):
                async for grown in words:
                    yield grown
        yield await read_database(_format_end, request, person, turn_id)
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


async def _stream_text(
    request: HttpRequest, person: Person, turn_id: UUID, after: str, *, is_deferred: bool
) -> AsyncGenerator[bytes]:
    """Yield the turn's text after the event `after`, until the turn has ended."""
    page, sent_id, has_words, has_waited = get_shared_answer(turn_id), after, False, is_deferred
    shown_text = ""
    async with aclosing(follow_turn(person, turn_id)) as news:
        async for new in news:
            is_tick = isinstance(new, Turn)
            if isinstance(new, Turn):
                yield KEEPALIVE
                words = await _explain_wait(new, has_words=has_words)
                # A deferred turn may wait for hours: say why only once.
                if words and not (new.state == TurnState.DEFERRED and words == shown_text):
                    yield _format_status(turn_id, words)
                    has_waited, shown_text = True, words
                if is_deferred and new.state != TurnState.DEFERRED:
                    is_deferred = False
                    yield await read_database(_format_actions, request, new)
            else:
                page.add(new)
                has_words = bool(new.text) or new.at > 0
            is_withdrawal = isinstance(new, streaming.StreamEntry) and new.is_withdrawal
            if growth := await page.get_growth_after(sent_id, must_be_new=is_tick or is_withdrawal):
                sent_id = growth.entry_id
                if is_deferred:
                    is_deferred = False
                    yield await read_database(
                        _format_actions, request, await read_database(get_turn, person, turn_id)
                    )
                yield _format_growth(turn_id, growth, _("Writing an answer.") if has_waited else "")
                has_waited = False
                if is_withdrawal:
                    yield _format_status(turn_id, _("Part of this answer was taken back."), name="withdrawn")
    # The last text may have arrived while the answer rested.
    if growth := await page.get_growth_after(sent_id, must_be_new=True):
        yield _format_growth(turn_id, growth)


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


def _format_end(request: HttpRequest, person: Person, turn_id: UUID) -> bytes:
    turn = get_turn(person, turn_id)
    composer = build_composer(person, turn.conversation, live_turn=None)
    # Keep a question that is being typed, unless the tutor rests from now on.
    swap = "composer_swap" if composer.pause else "composer_actions_swap"
    return format_event(render_end_swaps(request, turn) + render_partial(swap, request, composer=composer))


def _format_swap(target: str, how: str, html: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="{how}">{html}</hx-partial>'
