-- Grants whose remaining amount differs from what they add to their current period.
SELECT 'grant ' || g.id, line.what, line.stored, line.expected
FROM budgets_grant AS g
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(entry.tokens), 0)::bigint AS tokens,
        coalesce(sum(entry.microdollars), 0)::bigint AS microdollars
    FROM budgets_ledgerentry AS entry
    JOIN budgets_period AS period ON period.id = entry.period_id
    WHERE entry.kind = 'grant' AND entry.grant_id = g.id AND period.starts_at = g.counted_period_start
) AS expected
CROSS JOIN LATERAL (VALUES
    (1, 'left_tokens', g.left_tokens, expected.tokens),
    (2, 'left_microdollars', g.left_microdollars, expected.microdollars)
) AS line (number, what, stored, expected)
WHERE g.counted_period_start IS NOT NULL AND line.stored <> line.expected
ORDER BY g.id, line.number
