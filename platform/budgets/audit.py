"""Whether the sums that the ledger keeps are the sums of its entries."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from budgets.models import Audit, Entry

logger = logging.getLogger(__name__)
# So many differences are written down with an audit; they are all counted.
NAMED = 20


@dataclass(frozen=True)
class Difference:
    """One sum that its entries do not bear out. `of` names the row: a period's number or a hold's key."""

    of: str
    what: str
    kept: int
    told: int

    def __str__(self) -> str:
        return f"{self.of}: {self.what} is {self.kept:,}, but its entries make {self.told:,}"


# What entries tell of each hold: what it set aside, whether that is over, and what it came to.
TOLD = """
WITH told AS (
    SELECT hold_id,
        coalesce(sum(tokens) FILTER (WHERE kind = 'hold'), 0)::bigint AS tokens,
        coalesce(sum(microdollars) FILTER (WHERE kind = 'hold'), 0)::bigint AS microdollars,
        coalesce(sum(tokens) FILTER (WHERE kind = 'settle'), 0)::bigint AS spent,
        coalesce(sum(microdollars) FILTER (WHERE kind = 'settle'), 0)::bigint AS spent_microdollars,
        coalesce(bool_or(kind IN ('settle', 'return', 'release', 'expire')), false) AS is_over
    FROM budgets_entry WHERE hold_id IS NOT NULL GROUP BY hold_id
)
"""
# Each question is one statement and so sees one moment: it may run beside a busy site.
PERIODS = f"""{TOLD}, on_floors AS (
    SELECT floor.period_id,
        sum(told.spent) AS spent, sum(told.spent_microdollars) AS spent_microdollars,
        sum(CASE WHEN told.is_over THEN 0 ELSE told.tokens END) AS held,
        sum(CASE WHEN told.is_over THEN 0 ELSE told.microdollars END) AS held_microdollars
    FROM told JOIN budgets_hold AS hold ON hold.key = told.hold_id
        CROSS JOIN LATERAL (VALUES (period_id), (family_period_id), (site_period_id)) AS floor (period_id)
    GROUP BY floor.period_id
), absorbed AS (
    SELECT period_id, sum(tokens) AS spent, sum(microdollars) AS spent_microdollars
    FROM budgets_entry WHERE kind = 'absorb' GROUP BY period_id
), grants AS (
    SELECT period_id, sum(tokens) AS granted, sum(microdollars) AS granted_microdollars
    FROM budgets_entry WHERE kind IN ('grant', 'gift', 'move') GROUP BY period_id
)
SELECT 'period ' || period.id, line.what, line.kept, coalesce(line.told, 0)::bigint
FROM budgets_period AS period
    LEFT JOIN grants ON grants.period_id = period.id
    LEFT JOIN on_floors ON on_floors.period_id = period.id
    LEFT JOIN absorbed ON absorbed.period_id = period.id
    CROSS JOIN LATERAL (VALUES
        (1, 'granted', period.granted, grants.granted),
        (2, 'spent', period.spent, coalesce(on_floors.spent, 0) + coalesce(absorbed.spent, 0)),
        (3, 'held', period.held, on_floors.held),
        (4, 'granted_microdollars', period.granted_microdollars, grants.granted_microdollars),
        (5, 'spent_microdollars', period.spent_microdollars,
            coalesce(on_floors.spent_microdollars, 0) + coalesce(absorbed.spent_microdollars, 0)),
        (6, 'held_microdollars', period.held_microdollars, on_floors.held_microdollars)
    ) AS line (number, what, kept, told)
WHERE line.kept <> coalesce(line.told, 0)
ORDER BY period.id, line.number
"""  # noqa: S608 - no value is put in
HOLDS = f"""{TOLD}
SELECT 'hold ' || hold.key, line.what, line.kept, coalesce(line.told, 0)::bigint
FROM budgets_hold AS hold LEFT JOIN told ON told.hold_id = hold.key
    CROSS JOIN LATERAL (VALUES
        (1, 'tokens', hold.tokens::bigint, told.tokens),
        (2, 'microdollars', hold.microdollars, told.microdollars),
        (3, 'held', CASE WHEN hold.state = 'held' THEN hold.tokens ELSE 0 END::bigint,
            CASE WHEN told.is_over THEN 0 ELSE told.tokens END)
    ) AS line (number, what, kept, told)
WHERE line.kept <> coalesce(line.told, 0)
ORDER BY hold.created_at, line.number
"""  # noqa: S608
# What shards gave to each other comes to nothing, so that together they grant what the site's budget allows.
SHARDS = """
SELECT 'budget ' || period.budget_id || ', ' || to_char(period.starts_at, 'YYYY-MM-DD'), line.what, 0::bigint,
    sum(line.moved)::bigint
FROM budgets_entry AS entry JOIN budgets_period AS period ON period.id = entry.period_id
    CROSS JOIN LATERAL (VALUES
        (1, 'moved', entry.tokens), (2, 'moved_microdollars', entry.microdollars)
    ) AS line (number, what, moved)
WHERE entry.kind = 'move'
GROUP BY period.budget_id, period.starts_at, line.number, line.what
HAVING sum(line.moved) <> 0
ORDER BY 1, line.number
"""
# What is left of a grant is what it adds to the period that it is counted in.
GRANTS = """
SELECT 'grant ' || g.id, line.what, line.kept, line.told
FROM budgets_grant AS g CROSS JOIN LATERAL (
    SELECT coalesce(sum(entry.tokens), 0)::bigint AS tokens,
        coalesce(sum(entry.microdollars), 0)::bigint AS microdollars
    FROM budgets_entry AS entry JOIN budgets_period AS period ON period.id = entry.period_id
    WHERE entry.kind = 'gift' AND entry.grant_id = g.id AND period.starts_at = g.counted_in
) AS told CROSS JOIN LATERAL (VALUES
    (1, 'left_tokens', g.left_tokens, told.tokens),
    (2, 'left_microdollars', g.left_microdollars, told.microdollars)
) AS line (number, what, kept, told)
WHERE g.counted_in IS NOT NULL AND line.kept <> line.told
ORDER BY g.id, line.number
"""


def differences() -> Iterator[Difference]:
    """Every sum of a period, a hold, a grant or the site's shards that differs from what the entries tell."""
    for question in (PERIODS, HOLDS, SHARDS, GRANTS):
        with connection.cursor() as cursor:
            cursor.execute(question)
            rows = cursor.fetchall()
        for of, what, kept, told in rows:
            yield Difference(of=of, what=what, kept=kept, told=told)


def audit_make() -> Audit:
    """Compare everything, write down what was found, and log an error for each difference."""
    found = list(differences())
    for difference in found:
        logger.error("The ledger and its entries disagree. %s", difference)
    return Audit.objects.create(
        entries=Entry.objects.count(),
        differences=len(found),
        first=[str(difference) for difference in found[:NAMED]],
    )
