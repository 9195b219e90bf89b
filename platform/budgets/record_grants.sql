-- Record that grants were given. One statement for any number: a file may have thousands.
INSERT INTO budgets_budgetchange (at, by_id, kind, budget_id, grant_id, before, after, note)
SELECT
    given_at,
    given_by_id,
    'grant',
    budget_id,
    id,
    '{}'::jsonb,
    jsonb_build_object(
        'tokens', tokens,
        'microdollars', microdollars,
        'expires_at', to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
    ),
    ''
FROM budgets_grant
WHERE id = ANY(%(grants)s)
ORDER BY id
