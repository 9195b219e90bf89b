-- Names the stored periods in `load_turn`, and adds what its turns spend in each to `load_sum`.
UPDATE load_turn AS turn SET period_id = period.id
FROM budgets_period AS period
WHERE turn.has_hold AND period.budget_id = turn.budget_id
    AND period.starts_at = (turn.day + time '07:00') AT TIME ZONE turn.zone;

UPDATE load_turn AS turn SET family_period_id = period.id
FROM budgets_period AS period
WHERE turn.has_hold AND period.budget_id = turn.family_id
    AND turn.asked_at >= period.starts_at AND turn.asked_at < period.ends_at;

UPDATE load_turn AS turn SET site_period_id = period.id
FROM budgets_period AS period
WHERE turn.has_hold AND period.budget_id = %(site)s AND period.shard = turn.shard
    AND turn.asked_at >= period.starts_at AND turn.asked_at < period.ends_at;

-- Failed turns are the site's alone.
CREATE TEMP TABLE load_sum ON COMMIT DROP AS
SELECT scope.period_id, sum(turn.prompt_tokens + turn.answer_tokens)::bigint AS tokens,
    sum(turn.microdollars)::bigint AS microdollars
FROM load_turn AS turn
CROSS JOIN LATERAL (
    SELECT period_id WHERE state <> 'failed'
    UNION ALL SELECT family_period_id WHERE state <> 'failed'
    UNION ALL SELECT site_period_id
) AS scope
WHERE turn.has_hold AND scope.period_id IS NOT NULL
GROUP BY scope.period_id;
