"""What the public protocol page says of this site: whether people review crises, and this year's count.

Read in a thread of its own: a page of help waits for no database, not even for one that hangs.
"""

import logging
import time
from dataclasses import dataclass
from threading import Event, Lock, Thread

from django.utils import timezone

from kit.connections import release_connection
from safeguarding.counts import sum_year
from safeguarding.human_review import find_human_review
from safeguarding.models import CountKind

logger = logging.getLogger(__name__)

CACHE_SECONDS = 60
# How long the first page of a process waits for the facts.
FIRST_WAIT_SECONDS = 0.3
# A read that takes longer is given up, for example if the process was forked during it.
MAX_READ_SECONDS = 30
MIN_EXACT_COUNT = 10


@dataclass(frozen=True, kw_only=True)
class PublicFacts:
    """`organization` is the one whose people review crises, or ""."""

    organization: str
    year: int
    referrals: int

    @property
    def is_count_small(self) -> bool:
        """Whether the count is so small that the page does not show it exactly."""
        return self.referrals < MIN_EXACT_COUNT


@dataclass
class _CachedFacts:
    facts: PublicFacts | None = None
    read_at: float = float("-inf")
    reading_since: float = float("-inf")


_cache = _CachedFacts()
_lock = Lock()


def get_public_facts() -> PublicFacts | None:
    """Return the facts, up to a minute or two old, or None if they could not be read."""
    now = time.monotonic()
    if now - _cache.read_at < CACHE_SECONDS:
        return _cache.facts
    done = Event()
    with _lock:
        is_reading = now - _cache.reading_since < MAX_READ_SECONDS
        if not is_reading:
            _cache.reading_since = now
    if not is_reading:
        Thread(target=_read_in_thread, args=[done], daemon=True, name="public-facts").start()
        if _cache.facts is None:
            done.wait(FIRST_WAIT_SECONDS)
    return _cache.facts


def read_public_facts() -> PublicFacts:
    """Read the facts now and keep them."""
    year, review = timezone.now().year, find_human_review()
    referrals = sum(count for (kind, _level), count in sum_year(year).items() if kind == CountKind.REFERRAL)
    facts = PublicFacts(organization=review.organization if review else "", year=year, referrals=referrals)
    _cache.facts, _cache.read_at = facts, time.monotonic()
    return facts


def clear_public_facts_cache() -> None:
    """Clear the cache, as if the process had just started."""
    _cache.facts, _cache.read_at, _cache.reading_since = None, float("-inf"), float("-inf")


def _read_in_thread(done: Event) -> None:
    try:
        read_public_facts()
    except Exception as error:  # noqa: BLE001 - the page works without the facts
        logger.warning("The count of the protocol page could not be read: %s", type(error).__name__)
        # Facts that cannot be read again may be wrong by now.
        _cache.facts, _cache.read_at = None, time.monotonic()
    finally:
        release_connection()
        _cache.reading_since = float("-inf")
        done.set()
