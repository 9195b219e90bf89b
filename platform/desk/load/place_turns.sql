-- Names each turn's conversation and the periods of its hold. `load_period` has the bounds of every period in question.
CREATE TEMP TABLE load_conversation ON COMMIT DROP AS
SELECT
    gen_random_uuid() AS id, person_id, day, min(asked_at) AS started_at, max(asked_at) AS asked_at
FROM load_turn
GROUP BY person_id, day;

UPDATE load_turn AS turn SET conversation_id = conversation.id
FROM load_conversation AS conversation
WHERE conversation.person_id = turn.person_id AND conversation.day = turn.day;

-- A budget's day and month begin at 7 a.m. on its own clock (budgets.calendar).
CREATE TEMP TABLE load_period ON COMMIT DROP AS
SELECT
    budget_id, 0 AS shard, day AS first_day,
    (day + time '07:00') AT TIME ZONE zone AS starts_at, (day + 1 + time '07:00') AT TIME ZONE zone AS ends_at
FROM (SELECT DISTINCT budget_id, day, zone FROM load_turn WHERE has_hold) AS days
UNION ALL
SELECT
    family_id, 0, month,
    (month + time '07:00') AT TIME ZONE zone, ((month + interval '1 month')::date + time '07:00') AT TIME ZONE zone
FROM (
    SELECT DISTINCT turn.family_id, budget.time_zone AS zone, date_trunc(
        'month', turn.asked_at AT TIME ZONE budget.time_zone - interval '7 hours'
    )::date AS month
    FROM load_turn AS turn
    JOIN budgets_budget AS budget ON budget.id = turn.family_id
    WHERE has_hold
) AS months
UNION ALL
SELECT
    %(site)s, shard, month,
    (month + time '07:00') AT TIME ZONE %(site_zone)s,
    ((month + interval '1 month')::date + time '07:00') AT TIME ZONE %(site_zone)s
FROM (
    SELECT DISTINCT date_trunc('month', asked_at AT TIME ZONE %(site_zone)s - interval '7 hours')::date AS month
    FROM load_turn
    WHERE has_hold
) AS months
CROSS JOIN generate_series(0, %(shards)s - 1) AS shard;
