"""The stream for code that does not stream: a page that renders, a service that ends a turn, the sweeper."""

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.streaming.entries import (
    KEPT_SECONDS,
    READER_SECONDS,
    Entry,
    Phase,
    Written,
    phase_key,
    reader_key,
    stop_key,
    words_key,
)


@cache
def _client() -> "redis.Redis":
    # A page must not wait for a broker that is away: it has the database.
    return redis.Redis.from_url(
        settings.VALKEY_URL,
        decode_responses=True,
        socket_connect_timeout=0.5,
        socket_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )


def written(turn_id: UUID) -> Written | None:
    """All that stands on the stream, or None when the stream cannot be read."""
    found = Written()
    try:
        entries: Any = _client().xrange(words_key(turn_id))
    except redis.RedisError:
        return None
    for entry_id, fields in entries:
        found.add(Entry.read(entry_id, fields))
    return found


def note_reader(turn_id: UUID) -> None:
    """Count the turn as read for READER_SECONDS from now."""
    _try(lambda client: client.set(reader_key(turn_id), "1", ex=READER_SECONDS))


def ask_stop(turn_id: UUID) -> None:
    _try(lambda client: client.set(stop_key(turn_id), "1", ex=KEPT_SECONDS))


def phase_of(turn_id: UUID) -> Phase | None:
    """What the model does before its first word, where the worker has said so."""
    try:
        told: Any = _client().get(phase_key(turn_id))
    except redis.RedisError:
        return None
    return Phase(told) if told else None


def end(turn_id: UUID) -> None:
    """Tell every reader that the turn has ended and the database has its whole answer."""

    def add(client: "redis.Redis") -> None:
        with client.pipeline(transaction=False) as pipe:
            pipe.xadd(words_key(turn_id), {"end": "1"})
            pipe.expire(words_key(turn_id), KEPT_SECONDS)
            pipe.execute()

    _try(add)


def forget(*turn_ids: UUID) -> None:
    keys = [key(turn_id) for turn_id in turn_ids for key in (words_key, stop_key, reader_key, phase_key)]
    if keys:
        _try(lambda client: client.delete(*keys))


def _try(act: Callable[["redis.Redis"], object]) -> None:
    # An echo that cannot be sent is no fault of the turn: readers come back to the database.
    try:
        act(_client())
    except redis.RedisError:
        return
