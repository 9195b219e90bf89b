"""The two statements of the hot path: one makes a hold on every floor, the other resolves it.

Each calls a function in the database (migrations 0006, 0007). A row of a period is contended, above all the site's: a
function locks it for no longer than its own commit, and its plans are kept, which planning the same steps as one
statement each time is not (benchmarks/ledger.py, ADR 14).

Locks go budgets, then periods, then holds, and among budgets and periods person, family, site, everywhere.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.models import Person
from budgets.models import SITE_SHARDS, Hold, HoldState

CREATE_HOLD = "SELECT budgets_create_hold(%s, %s, %s, %s, %s, %s, %s, %s)"
RESOLVE_HOLD = "SELECT budgets_resolve_hold(%s, %s, %s, %s, %s)"


def post_hold(
    *,
    owner: Person,
    key: UUID,
    prompt_tokens: int,
    answer_tokens: int,
    microdollars: int,
    now: datetime,
    expires_at: datetime,
) -> Hold | None:
    """Hold prompt and answer in the open periods of all floors.

    None, and nothing done, where they do not fit into one of them, a period is over, or the site is stopped.
    Raises IntegrityError when there is a hold with this key.
    """
    periods = _call(
        CREATE_HOLD, owner.pk, key, prompt_tokens, answer_tokens, microdollars, now, expires_at, SITE_SHARDS
    )
    if periods is None:
        return None
    person, family, site = periods
    made = {
        "key": key,
        "period_id": person,
        "family_period_id": family,
        "site_period_id": site,
        "prompt_tokens": prompt_tokens,
        "answer_tokens": answer_tokens,
        "tokens": prompt_tokens + answer_tokens,
        "microdollars": microdollars,
        "state": HoldState.HELD,
        "created_at": now,
        "expires_at": expires_at,
        "resolved_at": None,
    }
    # As it was written: asking for all of it back would cost as much as writing a row.
    return Hold.from_db(connection.alias, made.keys(), made.values())


def post_resolution(
    *, key: UUID, state: HoldState, now: datetime, tokens: int = 0, microdollars: int = 0
) -> tuple[int, int] | None:
    """Resolve an open hold with what it really cost. Returns the tokens and microdollars that it had held.

    Where it is released, that is the site's cost alone.

    None, and nothing done, when no open hold has this key.
    """
    held = _call(RESOLVE_HOLD, key, state, tokens, microdollars, now)
    return (held[0], held[1]) if held else None


def _call(statement: str, *values: UUID | datetime | str | int) -> list[int] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[int] | None = cursor.fetchone()[0]
    return found
