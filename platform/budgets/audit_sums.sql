-- Stored sums of periods and holds that differ from their ledger entries. One statement has one snapshot.
-- `hold_sums` has the sums of the entries of each hold: what it set aside, whether it is resolved, and what it cost.
WITH hold_sums AS (
    SELECT
        hold_id,
        coalesce(sum(tokens) FILTER (WHERE kind = 'hold'), 0)::bigint AS tokens,
        coalesce(sum(microdollars) FILTER (WHERE kind = 'hold'), 0)::bigint AS microdollars,
        coalesce(sum(tokens) FILTER (WHERE kind = 'settle'), 0)::bigint AS spent,
        coalesce(sum(microdollars) FILTER (WHERE kind = 'settle'), 0)::bigint AS spent_microdollars,
        coalesce(bool_or(kind IN ('settle', 'release', 'expire')), false) AS is_over
    FROM budgets_ledgerentry
    WHERE hold_id IS NOT NULL
    GROUP BY hold_id
),
by_period AS (
    SELECT
        scope.period_id,
        sum(hold_sums.spent) AS spent,
        sum(hold_sums.spent_microdollars) AS spent_microdollars,
        sum(CASE WHEN hold_sums.is_over THEN 0 ELSE hold_sums.tokens END) AS held,
        sum(CASE WHEN hold_sums.is_over THEN 0 ELSE hold_sums.microdollars END) AS held_microdollars
    FROM hold_sums
    JOIN budgets_hold AS hold ON hold.key = hold_sums.hold_id
    CROSS JOIN LATERAL (VALUES (period_id), (family_period_id), (site_period_id)) AS scope (period_id)
    GROUP BY scope.period_id
),
absorbed AS (
    SELECT period_id, sum(tokens) AS spent, sum(microdollars) AS spent_microdollars
    FROM budgets_ledgerentry
    WHERE kind = 'absorb'
    GROUP BY period_id
),
grants AS (
    SELECT period_id, sum(tokens) AS granted, sum(microdollars) AS granted_microdollars
    FROM budgets_ledgerentry
    WHERE kind IN ('allowance', 'grant', 'move')
    GROUP BY period_id
),
period_sums AS (
    SELECT
        'period ' || period.id AS owner,
        row_number() OVER (ORDER BY period.id, line.number) AS place,
        line.what,
        line.stored,
        coalesce(line.expected, 0)::bigint AS expected
    FROM budgets_period AS period
    LEFT JOIN grants ON grants.period_id = period.id
    LEFT JOIN by_period ON by_period.period_id = period.id
    LEFT JOIN absorbed ON absorbed.period_id = period.id
    CROSS JOIN LATERAL (VALUES
        (1, 'granted', period.granted, grants.granted),
        (2, 'spent', period.spent, coalesce(by_period.spent, 0) + coalesce(absorbed.spent, 0)),
        (3, 'held', period.held, by_period.held),
        (4, 'granted_microdollars', period.granted_microdollars, grants.granted_microdollars),
        (
            5, 'spent_microdollars', period.spent_microdollars,
            coalesce(by_period.spent_microdollars, 0) + coalesce(absorbed.spent_microdollars, 0)
        ),
        (6, 'held_microdollars', period.held_microdollars, by_period.held_microdollars)
    ) AS line (number, what, stored, expected)
    WHERE line.stored <> coalesce(line.expected, 0)
),
hold_rows AS (
    SELECT
        'hold ' || hold.key AS owner,
        row_number() OVER (ORDER BY hold.created_at, line.number) AS place,
        line.what,
        line.stored,
        coalesce(line.expected, 0)::bigint AS expected
    FROM budgets_hold AS hold
    LEFT JOIN hold_sums ON hold_sums.hold_id = hold.key
    CROSS JOIN LATERAL (VALUES
        (1, 'tokens', hold.tokens::bigint, hold_sums.tokens),
        (2, 'microdollars', hold.microdollars, hold_sums.microdollars),
        (
            3, 'held', CASE WHEN hold.state = 'held' THEN hold.tokens ELSE 0 END::bigint,
            CASE WHEN hold_sums.is_over THEN 0 ELSE hold_sums.tokens END
        )
    ) AS line (number, what, stored, expected)
    WHERE line.stored <> coalesce(line.expected, 0)
)
SELECT owner, what, stored, expected
FROM (
    SELECT 1 AS part, * FROM period_sums
    UNION ALL
    SELECT 2 AS part, * FROM hold_rows
) AS differing
ORDER BY part, place
