"""The two statements of the hot path: one creates a hold in every scope, the other resolves it.

Each calls a database function (migrations 0002 and 0003). Period rows are contended, the site's most of all. A function
holds its locks only until its own commit, and PostgreSQL caches its plans (benchmarks/ledger.py, ADR 14).

Lock order everywhere: budgets, periods, holds. Within budgets and periods: person, family, site.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.models import Person
from budgets.models import SITE_SHARDS, Hold, HoldState
from budgets.usage import UNKNOWN_USAGE, Usage

CREATE_HOLD = "SELECT budgets_create_hold(%s, %s, %s, %s, %s, %s, %s, %s)"
RESOLVE_HOLD = "SELECT budgets_resolve_hold(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


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
    """Hold a prompt and an answer in the open periods of all scopes.

    Return None, change nothing and keep no lock if one of them has too little left, a period is over, the site is
    stopped, or the key already has a hold.
    """
    periods = _call(
        CREATE_HOLD, owner.pk, key, prompt_tokens, answer_tokens, microdollars, now, expires_at, SITE_SHARDS
    )
    if periods is None:
        return None
    person, family, site = periods
    columns = {
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
    # Built from the values just written: reading the row back would cost as much as writing it.
    return Hold.from_db(connection.alias, columns.keys(), columns.values())


def post_resolution(
    *,
    key: UUID,
    state: HoldState,
    now: datetime,
    tokens: int = 0,
    microdollars: int = 0,
    usage: Usage = UNKNOWN_USAGE,
) -> tuple[int, int] | None:
    """Resolve an open hold with its actual cost, and record the usage. Return the tokens and microdollars it held.

    The cost of a released hold is charged to the site alone. Return None and change nothing if no open hold has
    this key.
    """
    held = _call(
        RESOLVE_HOLD,
        key,
        state,
        tokens,
        microdollars,
        now,
        usage.model,
        usage.is_local,
        usage.memory_policy,
        usage.prompt_tokens,
        usage.question_tokens,
        usage.memory_tokens,
        usage.cached_tokens,
        usage.prompt_microdollars,
        usage.memory_microdollars,
    )
    return (held[0], held[1]) if held else None


def _call(statement: str, *values: UUID | datetime | str | int) -> list[int] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        amounts: list[int] | None = cursor.fetchone()[0]
    return amounts
