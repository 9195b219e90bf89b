"""A ledger of any size, written in a few statements: settled holds with their entries and usage."""

from datetime import datetime, timedelta

from django.db import connection

from accounts.models import Person
from budgets.allowances import get_budget
from budgets.models import Period
from budgets.services import release_hold
from tests.budgets.ledger import LEASE, make_hold

GENERATE = """
WITH calls AS (
    SELECT
        gen_random_uuid() AS key,
        n,
        %(starts_at)s::timestamptz + (random() * %(seconds)s) * interval '1 second' AS at,
        100 + n %% 700 AS prompt,
        (n %% 700) / 3 AS memory,
        40 + n %% 260 AS answer,
        n %% 4 <> 0 AS is_local,
        (%(budgets)s::bigint[])[1 + n %% cardinality(%(budgets)s::bigint[])] AS budget_id,
        (%(periods)s::bigint[])[1 + n %% cardinality(%(budgets)s::bigint[])] AS period_id
    FROM generate_series(1, %(count)s) AS n
),
holds AS (
    INSERT INTO budgets_hold (
        key, period_id, prompt_tokens, answer_tokens, microdollars, state, created_at, expires_at, resolved_at
    )
    SELECT key, period_id, prompt, answer, 0, 'settled', at, at + interval '20 minutes', at FROM calls
),
usage AS (
    INSERT INTO budgets_usagerecord (
        hold_id, at, budget_id, plan_id, model, is_local, memory_policy, is_absorbed, tokens, prompt_tokens,
        question_tokens, memory_tokens, cached_tokens, microdollars, prompt_microdollars, memory_microdollars
    )
    SELECT
        key, at, budget_id, NULL, CASE WHEN is_local THEN 'small' ELSE 'model ' || n %% 3 END, is_local,
        (ARRAY['none', 'window', 'notes', 'full'])[1 + n %% 4], n %% 50 = 0, prompt + answer, prompt, 20, memory,
        memory / 2, CASE WHEN is_local THEN 0 ELSE prompt + 3 * answer END,
        CASE WHEN is_local THEN 0 ELSE prompt END, CASE WHEN is_local THEN 0 ELSE memory END
    FROM calls
)
INSERT INTO budgets_ledgerentry (hold_id, period_id, kind, tokens, microdollars, at, memo)
SELECT
    key, CASE WHEN n %% 50 = 0 THEN period_id END, CASE WHEN n %% 50 = 0 THEN 'absorb' ELSE 'settle' END,
    prompt + answer, CASE WHEN is_local THEN 0 ELSE prompt + 3 * answer END, at, ''
FROM calls
"""


def generate_calls(people: list[Person], *, count: int, starts_at: datetime, length: timedelta) -> None:
    """Write `count` calls of these people in turn, at random moments of a stretch of time."""
    for person in people:
        release_hold(key=make_hold(person, now=starts_at - LEASE).key, now=starts_at - LEASE)
    budgets = [get_budget(owner=person).pk for person in people]
    periods = dict(Period.objects.filter(budget__in=budgets).values_list("budget", "pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            GENERATE,
            {
                "count": count,
                "starts_at": starts_at,
                "seconds": length.total_seconds(),
                "budgets": budgets,
                "periods": [periods[pk] for pk in budgets],
            },
        )
