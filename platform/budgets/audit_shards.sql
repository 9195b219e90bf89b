-- Moves between shards must sum to zero, so that together the shards grant what the site's budget allows.
SELECT
    'budget ' || period.budget_id || ', ' || to_char(period.starts_at, 'YYYY-MM-DD'),
    line.what,
    0::bigint,
    sum(line.moved)::bigint
FROM budgets_ledgerentry AS entry
JOIN budgets_period AS period ON period.id = entry.period_id
CROSS JOIN LATERAL (VALUES
    (1, 'moved', entry.tokens),
    (2, 'moved_microdollars', entry.microdollars)
) AS line (number, what, moved)
WHERE entry.kind = 'move'
GROUP BY period.budget_id, period.starts_at, line.number, line.what
HAVING sum(line.moved) <> 0
ORDER BY 1, line.number
