"""The worker's end of a turn's stream."""

import asyncio
import logging
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chat.stream.entries import KEPT_SECONDS, READER_SECONDS, reader_key, stop_key, words_key

logger = logging.getLogger(__name__)

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def _client() -> redis.asyncio.Redis:
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = redis.asyncio.Redis.from_url(
            settings.VALKEY_URL,
            decode_responses=True,
            socket_connect_timeout=0.5,
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )
    return _clients[loop]


@dataclass(frozen=True, slots=True)
class Signals:
    """What readers say to the writer: `stop` was pressed; nobody is there to read (`unread`)."""

    stop: bool = False
    unread: bool = False


class Writer:
    """Writes one turn's words. While Valkey is away it keeps them, and then begins again at character 0."""

    def __init__(self, turn_id: UUID) -> None:
        self.turn_id = turn_id
        self.text = ""
        self._sent = 0
        self._is_away = False

    async def open(self) -> None:
        """Count the asker as a reader for the first minute, until their page has had time to connect."""
        try:
            await _client().set(reader_key(self.turn_id), "1", ex=READER_SECONDS)
        except redis.RedisError:
            self._lose()

    async def send(self, text: str, tokens: int) -> Signals:
        """Add `text` to the stream in one round trip, and hear what readers say."""
        self.text += text
        at = 0 if self._is_away else self._sent
        try:
            async with _client().pipeline(transaction=False) as pipe:
                entry = {"at": at, "text": self.text[at:], "n": tokens}
                pipe.xadd(words_key(self.turn_id), entry)  # type: ignore[arg-type]
                pipe.expire(words_key(self.turn_id), KEPT_SECONDS)
                pipe.exists(stop_key(self.turn_id))
                pipe.exists(reader_key(self.turn_id))
                _, _, stop, readers = await pipe.execute()
        except redis.RedisError:
            self._lose()
            return Signals()
        self._sent, was_away, self._is_away = len(self.text), self._is_away, False
        # A Valkey that came back empty has forgotten its readers: give them the time to return.
        if was_away:
            await self.open()
            return Signals(stop=bool(stop))
        return Signals(stop=bool(stop), unread=not readers)

    def _lose(self) -> None:
        if not self._is_away:
            logger.warning("Valkey is away: turn %s goes on, its words are kept.", self.turn_id)
        self._is_away = True
