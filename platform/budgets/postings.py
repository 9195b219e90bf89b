"""The two statements of the hot path: one makes a hold, the other resolves it, with their sums and entries.

They are SQL because a day's row is contended: one statement locks it for no longer than its own commit, while
the same steps through the ORM are five round trips under the lock and cost eight times the processor time
(benchmarks/ledger.py). At READ COMMITTED a statement that waited for the row looks at it afresh, so the
condition beside the sum is always tested on what is true now.

Locks go budget, then period, then hold, everywhere: one transaction may then resolve several of a person's
holds, as deleting a conversation does, and cannot deadlock with another.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.models import Person
from budgets.models import Hold, HoldState

HOLD = """
WITH today AS (
    SELECT period.id
    FROM budgets_period AS period JOIN budgets_budget AS budget ON budget.id = period.budget_id
    WHERE budget.owner_id = %(owner)s
    ORDER BY period.starts_at DESC LIMIT 1
), posted AS (
    UPDATE budgets_period AS period SET held = held + %(tokens)s
    FROM today
    WHERE period.id = today.id AND ends_at > %(now)s AND spent + held + %(tokens)s <= granted
    RETURNING period.id
), made AS (
    INSERT INTO budgets_hold (key, period_id, prompt_tokens, answer_tokens, state, created_at, expires_at)
    SELECT %(key)s, id, %(prompt_tokens)s, %(answer_tokens)s, 'held', %(now)s, %(expires_at)s FROM posted
    RETURNING *
), told AS (
    INSERT INTO budgets_entry (period_id, hold_id, kind, tokens, microdollars, at, memo)
    SELECT period_id, key, 'hold', %(tokens)s, 0, %(now)s, '' FROM made
)
SELECT key, period_id, prompt_tokens, answer_tokens, tokens, state, created_at, expires_at, resolved_at
FROM made
"""

RESOLVE = """
WITH locked AS (
    SELECT period.id
    FROM budgets_period AS period JOIN budgets_hold AS hold ON hold.period_id = period.id
    WHERE hold.key = %(key)s
    FOR NO KEY UPDATE OF period
), resolved AS (
    UPDATE budgets_hold AS hold SET state = %(state)s, resolved_at = %(now)s
    FROM locked
    WHERE hold.key = %(key)s AND hold.state = 'held'
    RETURNING hold.*
), posted AS (
    UPDATE budgets_period AS period
    SET held = held - tokens,
        spent = spent + least(%(used)s, tokens),
        spent_microdollars = spent_microdollars + %(microdollars)s
    FROM resolved
    WHERE period.id = resolved.period_id
), told AS (
    INSERT INTO budgets_entry (period_id, hold_id, kind, tokens, microdollars, at, memo)
    SELECT period_id, key, line.kind, line.tokens, line.microdollars, %(now)s, ''
    FROM resolved CROSS JOIN LATERAL (VALUES
        ('settle', least(%(used)s, tokens), %(microdollars)s),
        (%(rest)s, greatest(tokens - %(used)s, 0), 0),
        ('overrun', greatest(%(used)s - tokens, 0), 0)
    ) AS line (kind, tokens, microdollars)
    WHERE line.tokens > 0 OR line.microdollars > 0
)
SELECT key, period_id, prompt_tokens, answer_tokens, tokens, state, created_at, expires_at, resolved_at
FROM resolved
"""

# In the model's order, as both statements select them.
COLUMNS = (
    "key",
    "period_id",
    "prompt_tokens",
    "answer_tokens",
    "tokens",
    "state",
    "created_at",
    "expires_at",
    "resolved_at",
)
# What becomes of the tokens that were held and not used.
REST = {HoldState.SETTLED: "return", HoldState.RELEASED: "release", HoldState.EXPIRED: "expire"}


def post_hold(
    *, owner: Person, key: UUID, prompt_tokens: int, answer_tokens: int, now: datetime, expires_at: datetime
) -> Hold | None:
    """Hold prompt and answer on the owner's open day. None, and nothing done, where they do not fit.

    Raises IntegrityError when there is a hold with this key.
    """
    return _first(
        HOLD,
        owner=owner.pk,
        key=key,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        tokens=prompt_tokens + answer_tokens,
        now=now,
        expires_at=expires_at,
    )


def post_resolution(
    *, key: UUID, state: HoldState, now: datetime, used: int = 0, microdollars: int = 0
) -> Hold | None:
    """Resolve an open hold. None, and nothing done, when no open hold has this key."""
    return _first(
        RESOLVE, key=key, state=state, rest=REST[state], now=now, used=used, microdollars=microdollars
    )


def _first(statement: str, **values: UUID | datetime | str | int) -> Hold | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return Hold.from_db(connection.alias, COLUMNS, row) if row else None
