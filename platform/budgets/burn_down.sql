-- What a period used in each hour or day, of what its holds covered, in the order of time. An answer that was written
-- after the period's end counts at the end, as its hold is the period's.
SELECT
    date_trunc(%(bucket)s, least(usage.at, %(ends_at)s - interval '1 microsecond'), %(zone)s) AS at,
    sum(least(usage.tokens, hold.prompt_tokens + hold.answer_tokens))::bigint AS tokens,
    sum(least(usage.microdollars, hold.microdollars))::bigint AS microdollars
FROM budgets_usagerecord AS usage
JOIN budgets_hold AS hold ON hold.key = usage.hold_id
WHERE usage.at >= %(starts_at)s
    AND (
        CASE %(scope)s
            WHEN 'person' THEN hold.period_id
            WHEN 'family' THEN hold.family_period_id
            ELSE hold.site_period_id
        END
    ) = ANY(%(periods)s)
    AND (%(scope)s = 'site' OR NOT usage.is_absorbed)
GROUP BY 1
ORDER BY 1
