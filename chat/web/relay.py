"""Carries a turn's words from its stream to one page, as server-sent events.

A dropped connection comes back with the id of the last event that it saw, and goes on from there.
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
from chat.models import State, Turn
from chat.replies import deferred_words
from chat.selectors import turn_of, turn_standing
from chat.streaming.following import STILL_HERE, counted, event, event_stream, follow, read, require_room
from chat.streaming.growth import Growth, shared_page
from chat.turns.queue import waiting_words
from chat.web.conversation import composer_for, ending_swaps, partial
from kit.found import or_404
from telemetry.context import note

logger = logging.getLogger(__name__)

DONE = event("", name="done")
# The words cannot be read now. The page comes back with the last id that it has.
AGAIN = event("", name="again")


@require_GET
def turn_stream(request: HttpRequest, turn_id: UUID) -> HttpResponseBase:
    """The events of one of the reader's own turns: 401 without a session, 404 for a turn of another person.

    Every stream ends with an event named `done`, after the whole turn as the database has it, or `again` when the
    page has to come back for it.
    """
    note(turn=turn_id)
    if not isinstance(person := request.user, Person):
        return HttpResponse(status=401)
    with or_404(Turn.DoesNotExist):
        lives, is_deferred = turn_standing(person, turn_id)
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    require_room(person)
    words = _words(request, person, turn_id, after, is_deferred=is_deferred) if lives else None
    return event_stream(counted(person, _relay(request, person, turn_id, words)))


async def _relay(
    request: HttpRequest, person: Person, turn_id: UUID, words: AsyncGenerator[bytes] | None
) -> AsyncGenerator[bytes]:
    try:
        if words:
            async with aclosing(words):
                async for grown in words:
                    yield grown
        yield await read(_ending, request, person, turn_id)
        yield DONE
    except Turn.DoesNotExist:
        yield _status(turn_id, _("This conversation was deleted."))
        yield DONE
    except (streaming.StreamAway, DatabaseError):
        yield _status(turn_id, _("The line to the tutor is broken. Your question is safe; trying again."))
        yield AGAIN
    except Exception:
        logger.exception("The stream of turn %s met a fault of our own.", turn_id)
        yield AGAIN


async def _words(
    request: HttpRequest, person: Person, turn_id: UUID, after: str, *, is_deferred: bool
) -> AsyncGenerator[bytes]:
    """The turn's words after the event `after`, until its end, or until the database says that it has ended."""
    page, sent_id, has_words, has_waited = shared_page(turn_id), after, False, is_deferred
    said = ""
    async with aclosing(follow(person, turn_id)) as news:
        async for new in news:
            is_tick = isinstance(new, Turn)
            if isinstance(new, Turn):
                yield STILL_HERE
                words = await _why_nothing_comes(new, has_words=has_words)
                # What is waited for through hours is said once.
                if words and not (new.state == State.DEFERRED and words == said):
                    yield _status(turn_id, words)
                    has_waited, said = True, words
                if is_deferred and new.state != State.DEFERRED:
                    is_deferred = False
                    yield await read(_actions, request, new)
            else:
                page.add(new)
                has_words = bool(new.text) or new.at > 0
            if growth := await page.growth_after(sent_id, must_be_new=is_tick):
                sent_id = growth.entry_id
                if is_deferred:
                    is_deferred = False
                    yield await read(_actions, request, await read(turn_of, person, turn_id))
                yield _growth(turn_id, growth, _("Writing an answer.") if has_waited else "")
                has_waited = False
    # The last words may have come while the page rested.
    if growth := await page.growth_after(sent_id, must_be_new=True):
        yield _growth(turn_id, growth)


async def _why_nothing_comes(turn: Turn, *, has_words: bool) -> str:
    """What is said to a reader who waits for the first word; nothing where there is nothing new to say."""
    if turn.state == State.DEFERRED:
        return deferred_words(turn)
    if turn.state == State.QUEUED:
        return await read(waiting_words, turn)
    phase = None if has_words else await read(streaming.phase_of, turn.pk)
    if phase is streaming.Phase.LOADING:
        return _("The model is being loaded.")
    return _("The model is thinking.") if phase is streaming.Phase.THINKING else ""


def _growth(turn_id: UUID, growth: Growth, status: str = "") -> bytes:
    swaps = _swap(f"turn-{turn_id}-status", "innerHTML", status) if status else ""
    if growth.finished_html or growth.begins_again:
        swap = "innerHTML" if growth.begins_again else "beforeend"
        swaps += _swap(f"turn-{turn_id}-finished", swap, growth.finished_html)
    swaps += _swap(f"turn-{turn_id}-growing", "innerHTML", growth.growing_html)
    return event(swaps, event_id=growth.entry_id)


def _status(turn_id: UUID, words: str) -> bytes:
    return event(_swap(f"turn-{turn_id}-status", "innerHTML", words))


def _actions(request: HttpRequest, turn: Turn) -> bytes:
    """The buttons of the composer, as a turn that waited for the model is being answered now."""
    composer = composer_for(turn.conversation.owner, turn.conversation, live_turn=turn)
    return event(partial("composer_actions_swap", request, composer=composer))


def _ending(request: HttpRequest, person: Person, turn_id: UUID) -> bytes:
    turn = turn_of(person, turn_id)
    composer = composer_for(person, turn.conversation, live_turn=None)
    # What somebody has begun to write stays, but where the tutor rests from now on.
    swap = "composer_swap" if composer.pause else "composer_actions_swap"
    return event(ending_swaps(request, turn) + partial(swap, request, composer=composer))


def _swap(target: str, how: str, html: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="{how}">{html}</hx-partial>'
