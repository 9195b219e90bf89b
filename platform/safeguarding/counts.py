"""Weekly counts, without words or people. They are always on (ADR 60)."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial

from django.core.cache import cache
from django.db import Error, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from kit.connections import release_connection
from kit.sql import read_sql
from safeguarding.models import CountKind, WeeklyCount
from safeguarding.protocol import get_protocol_version

logger = logging.getLogger(__name__)

_ADD_TO_COUNT = read_sql(__file__, "add_to_count")
# A count in the background gives up after this time. Then it rests, as the database may be down.
LOCK_TIMEOUT = "500ms"
REST_SECONDS = 30.0
# Outages of the remote guard within this time are one, even if other processes see them.
SAME_OUTAGE_SECONDS = 300


def get_week_start(day: date) -> date:
    """Return the Monday of the day's week, or January 1 if that Monday is in the year before."""
    return max(day - timedelta(days=day.weekday()), day.replace(month=1, day=1))


def add_to_count(kind: CountKind, *, level: str = "") -> None:
    """Count one more in this week, in the caller's transaction."""
    values: dict[str, str | date] = {
        "week_start": get_week_start(timezone.now().date()),
        "kind": kind,
        "level": level,
        "protocol": get_protocol_version(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_COUNT, values)


def record_misread_card(*, level: str) -> None:
    """Count that a person said a card does not fit what they wrote, in the caller's transaction."""
    add_to_count(CountKind.MISREAD_CARD, level=level)


def record_unstored_card(*, level: str) -> None:
    """Count a card for which nothing else is stored. Returns at once: no card waits for its count, or fails with it."""
    _run_in_background(partial(add_to_count, CountKind.UNSTORED_CARD, level=level))


def record_guard_outage() -> None:
    """Count an outage of the remote guard, once for all processes. Returns at once."""
    _run_in_background(_add_outage)


def _add_outage() -> None:
    if cache.add("safeguarding:guard-outage", True, SAME_OUTAGE_SECONDS):  # noqa: FBT003 - the cache's own
        add_to_count(CountKind.GUARD_OUTAGE)


_background = ThreadPoolExecutor(1, thread_name_prefix="counts")
_rests_until = 0.0


def _run_in_background(add: Callable[[], None]) -> None:
    _background.submit(_count_in_own_transaction, add)


def _count_in_own_transaction(add: Callable[[], None]) -> None:
    """Count in a transaction of its own. A count that fails is lost, and so are those of the next REST_SECONDS."""
    global _rests_until  # noqa: PLW0603 - one thread writes it
    if time.monotonic() < _rests_until:
        return
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            add()
    except Error as error:
        _rests_until = time.monotonic() + REST_SECONDS
        logger.warning("Something was not counted: %s", type(error).__name__)
    finally:
        release_connection()


def count_week_cards(day: date) -> int:
    """Return how many crisis cards were shown in the week of a day, stored or not."""
    kinds = [CountKind.CARD, CountKind.UNSTORED_CARD]
    rows = WeeklyCount.objects.filter(week_start=get_week_start(day), kind__in=kinds)
    return int(rows.aggregate(cards=Sum("count", default=0))["cards"])


def sum_year(year: int) -> dict[tuple[CountKind, str], int]:
    """Return a calendar year's counts by kind and level."""
    sums: dict[tuple[CountKind, str], int] = {}
    for row in WeeklyCount.objects.filter(week_start__year=year):
        key = (CountKind(row.kind), row.level)
        sums[key] = sums.get(key, 0) + row.count
    return sums
