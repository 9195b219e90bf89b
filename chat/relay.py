"""Carries a turn's words from its stream to one page, as server-sent events.

A dropped connection comes back with the id of the last event that it saw, and goes on from there.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Person
from chat import stream
from chat.connections import give_back
from chat.models import State, Turn
from chat.pages import composer_for, partial, turn_shown
from chat.queue import waiting_words
from chat.rendering import GrowingPage, answer_html
from chat.selectors import turn_of
from chat.stream.entries import id_order

# Between words the connection is proved alive this often, and the turn's row is asked how it stands.
TICK_SECONDS = 3.0
DONE = b"event: done\ndata: \n\n"


@require_GET
async def turn_stream(request: HttpRequest, turn_id: UUID) -> HttpResponse | StreamingHttpResponse:
    """The events of one of the reader's own turns; 404 for anybody else's.

    Every stream ends with an event named `done`, after the whole turn as the database has it.
    """
    person = await request.auser()
    if not isinstance(person, Person):
        raise Http404
    try:
        turn = await _read(turn_of, person, turn_id)
    except Turn.DoesNotExist as fault:
        raise Http404 from fault
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    return StreamingHttpResponse(
        _relay(request, person, turn, after),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )


async def _read[**P, T](read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a read of the database and give its connection back, as the stream may stay open for minutes."""

    def reading() -> T:
        try:
            return read(*args, **kwargs)
        finally:
            give_back()

    return await sync_to_async(reading)()


async def _relay(request: HttpRequest, person: Person, turn: Turn, after: str) -> AsyncGenerator[bytes]:
    try:
        if turn.is_live:
            async with aclosing(_words(person, turn, after)) as words:
                async for event in words:
                    yield event
        ended = await _read(turn_of, person, turn.pk)
    except stream.StreamAway:
        yield _status(turn, _("The line to the tutor is broken. Your question is safe; trying again."))
        return
    except Turn.DoesNotExist:
        yield DONE
        return
    if not ended.is_live:
        yield await _read(_ending, request, person, ended)
        yield DONE


async def _words(person: Person, turn: Turn, after: str) -> AsyncGenerator[bytes]:
    """The turn's words after the event `after`, until its end, or until the database says that it has ended."""
    seen, page, known = stream.Written(), GrowingPage(), id_order(after)
    async with aclosing(stream.follow(turn.pk, tick_seconds=TICK_SECONDS)) as entries:
        async for entry in entries:
            if entry is None:
                yield b": still here\n\n"
                now = await _read(turn_of, person, turn.pk)
                if not now.is_live:
                    return
                if now.state == State.QUEUED:
                    yield _status(turn, await _read(waiting_words, now))
                continue
            if entry.is_end:
                return
            if continues := seen.add(entry):
                finished = page.grow(entry.text)
            else:
                page = GrowingPage()
                finished = page.grow(seen.text)
            if id_order(entry.id) > known:
                yield _growth(turn, entry.id, finished, page, begins_again=not continues)


def _growth(turn: Turn, entry_id: str, finished: str, page: GrowingPage, *, begins_again: bool) -> bytes:
    swaps = ""
    if finished or begins_again:
        swap = "innerHTML" if begins_again else "beforeend"
        swaps = _swap(f"turn-{turn.pk}-finished", swap, answer_html(finished))
    swaps += _swap(f"turn-{turn.pk}-growing", "innerHTML", page.growing_html)
    return _event(swaps, entry_id)


def _status(turn: Turn, words: str) -> bytes:
    return _event(_swap(f"turn-{turn.pk}-status", "innerHTML", words))


def _ending(request: HttpRequest, person: Person, turn: Turn) -> bytes:
    shown = partial("turn_swap", request, shown=turn_shown(turn))
    composer = composer_for(person, turn.conversation)
    return _event(shown + partial("composer_actions_swap", request, composer=composer, ended=turn))


def _swap(target: str, how: str, html: str) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="{how}">{html}</hx-partial>'


def _event(data: str, event_id: str = "") -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return (f"id: {event_id}\n" if event_id else "").encode() + f"{lines}\n".encode()
