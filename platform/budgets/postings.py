"""The two statements of the hot path: one makes a hold on every floor, the other resolves it.

Each calls a function in the database (migration 0005). A row of a period is contended, above all the site's: a
function locks it for no longer than its own commit, and its plans are kept, while planning the same steps as one
statement each time costs three times the processor time (benchmarks/ledger.py, ADR 14).

Locks go budgets, then periods, then holds, and among budgets and periods person, family, site, everywhere.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.models import Person
from budgets.models import SITE_SHARDS, Hold, HoldState

# In the model's order.
COLUMNS = (
    "key",
    "period_id",
    "family_period_id",
    "site_period_id",
    "prompt_tokens",
    "answer_tokens",
    "tokens",
    "microdollars",
    "state",
    "created_at",
    "expires_at",
    "resolved_at",
)
SELECT = f"SELECT {', '.join(COLUMNS)} FROM "  # noqa: S608 - nothing but names of columns
HOLD = SELECT + (
    "budgets_hold_make(%(owner)s, %(key)s, %(prompt_tokens)s, %(answer_tokens)s, %(microdollars)s,"
    " %(now)s, %(expires_at)s, %(shards)s)"
)
RESOLVE = SELECT + "budgets_hold_resolve(%(key)s, %(state)s, %(tokens)s, %(microdollars)s, %(now)s)"


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
    return _first(
        HOLD,
        owner=owner.pk,
        key=key,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        microdollars=microdollars,
        now=now,
        expires_at=expires_at,
        shards=SITE_SHARDS,
    )


def post_resolution(
    *, key: UUID, state: HoldState, now: datetime, tokens: int = 0, microdollars: int = 0
) -> Hold | None:
    """Resolve an open hold with what it really cost. None, and nothing done, when no open hold has this key."""
    return _first(RESOLVE, key=key, state=state, tokens=tokens, microdollars=microdollars, now=now)


def _first(statement: str, **values: UUID | datetime | str | int) -> Hold | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return Hold.from_db(connection.alias, COLUMNS, row) if row else None
