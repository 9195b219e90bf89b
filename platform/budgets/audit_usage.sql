-- Usage records that differ from the ledger entries of their hold, and holds with a cost but no record.
WITH entries AS (
    SELECT hold_id, sum(tokens)::bigint AS tokens, sum(microdollars)::bigint AS microdollars
    FROM budgets_ledgerentry
    WHERE kind IN ('settle', 'absorb', 'overrun')
    GROUP BY hold_id
)
SELECT
    'usage of hold ' || coalesce(usage.hold_id, entries.hold_id),
    line.what,
    line.stored,
    line.expected
FROM entries
FULL JOIN budgets_usagerecord AS usage ON usage.hold_id = entries.hold_id
CROSS JOIN LATERAL (VALUES
    (1, 'tokens', coalesce(usage.tokens, 0), coalesce(entries.tokens, 0)),
    (2, 'microdollars', coalesce(usage.microdollars, 0), coalesce(entries.microdollars, 0))
) AS line (number, what, stored, expected)
WHERE line.stored <> line.expected
ORDER BY 1, line.number
