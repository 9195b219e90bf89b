-- Grants each period what its budget allows, or what is spent in it if that is more, and adds what is spent.
-- What the site's budget allows is split among its shards, which each cover what is spent in them.
CREATE TEMP TABLE load_funding ON COMMIT DROP AS
WITH stored AS (
    SELECT
        period.id, period.shard, period.granted, period.granted_microdollars,
        budget.tokens AS allowed, budget.microdollars AS allowed_microdollars, period.starts_at,
        period.limits_tokens, period.limits_microdollars,
        period.spent + load_sum.tokens AS spent,
        period.spent_microdollars + load_sum.microdollars AS spent_microdollars,
        period.spent + period.held + load_sum.tokens AS used,
        period.spent_microdollars + period.held_microdollars + load_sum.microdollars AS used_microdollars,
        sum(period.spent + period.held + load_sum.tokens) OVER siblings AS used_together,
        sum(period.spent_microdollars + period.held_microdollars + load_sum.microdollars) OVER siblings
            AS used_microdollars_together,
        count(*) OVER siblings AS rows_together
    FROM load_sum
    JOIN budgets_period AS period ON period.id = load_sum.period_id
    JOIN budgets_budget AS budget ON budget.id = period.budget_id
    WINDOW siblings AS (PARTITION BY period.budget_id, period.starts_at)
)
SELECT
    id, starts_at, spent, spent_microdollars,
    CASE
        WHEN NOT limits_tokens THEN 0
        ELSE greatest(granted, used + greatest(0, allowed - used_together)::bigint / rows_together) - granted
    END AS more_tokens,
    CASE
        WHEN NOT limits_microdollars THEN 0
        ELSE greatest(
            granted_microdollars,
            used_microdollars + greatest(0, allowed_microdollars - used_microdollars_together)::bigint / rows_together
        ) - granted_microdollars
    END AS more_microdollars
FROM stored;

UPDATE budgets_period AS period SET
    granted = granted + funding.more_tokens,
    granted_microdollars = granted_microdollars + funding.more_microdollars,
    spent = funding.spent,
    spent_microdollars = funding.spent_microdollars
FROM load_funding AS funding
WHERE funding.id = period.id;
