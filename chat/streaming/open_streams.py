"""How many streams each person has open in this process, and no more than so many."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.conf import settings

from accounts.models import Person
from accounts.throttle import TooOften

RETRY_SECONDS = 5

_open: Counter[Any] = Counter()


def require_room(person: Person) -> None:
    """Raise TooOften when a person has as many streams open as one may."""
    if _open[person.pk] >= settings.STREAMS_PER_PERSON:
        raise TooOften(RETRY_SECONDS)


async def counted(person: Person, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the events, as one of a person's open streams until they end or are left."""
    _open[person.pk] += 1
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        _open[person.pk] -= 1
        if not _open[person.pk]:
            del _open[person.pk]
