-- Draws the turns of `load_asker` into `load_turn`: who asks when, what it costs and how it ends. A few people ask most,
-- more is asked in later weeks, between 8 a.m. and 10 p.m. of the asker. `day` is the asker's budget day.
CREATE TEMP TABLE load_turn ON COMMIT DROP AS
WITH drawn AS MATERIALIZED (
    SELECT
        number,
        1 + floor(power(random(), 1.7) * (SELECT count(*) FROM load_asker))::integer AS asker,
        floor(%(days)s * (1 - power(random(), 0.6)))::integer AS days_ago,
        random() * interval '14 hours' AS since_eight,
        random() AS ending,
        random() AS seriousness,
        random() AS model_draw,
        random() AS cached,
        floor(random() * %(shards)s)::integer AS shard,
        (14 + random() * 70)::integer AS question,
        (CASE WHEN random() < 0.6 THEN random() * 900 ELSE 0 END)::integer AS turns,
        (CASE WHEN random() < 0.3 THEN random() * 160 ELSE 0 END)::integer AS notes,
        (CASE WHEN random() < 0.5 THEN 100 + random() * 300 ELSE 0 END)::integer AS after_question,
        (50 + power(random(), 1.5) * 350)::integer AS answer,
        random() * interval '20 seconds' + interval '1 second' AS took
    FROM generate_series(1, %(turns)s) AS number
),
placed AS (
    SELECT
        drawn.*,
        asker.person_id, asker.budget_id, asker.family_id, asker.zone, asker.language,
        (%(now)s::timestamptz AT TIME ZONE asker.zone)::date - days_ago + time '08:00' + since_eight AS asked_local
    FROM drawn
    JOIN load_asker AS asker ON asker.number = drawn.asker
),
timed AS (
    -- What would be in the future, or has not ended yet, was asked a day earlier.
    SELECT
        placed.*,
        CASE
            WHEN (asked_local AT TIME ZONE zone) + took > %(now)s::timestamptz - interval '1 minute'
            THEN asked_local - interval '1 day' ELSE asked_local
        END AS asked_then
    FROM placed
),
ended AS (
    SELECT
        timed.*,
        asked_then AT TIME ZONE zone AS asked_at,
        asked_then::date AS day,
        CASE
            WHEN ending < 0.940 THEN 'answered'
            WHEN ending < 0.965 THEN 'stopped'
            WHEN ending < 0.980 THEN 'failed'
            WHEN ending < 0.988 THEN 'refused'
            WHEN ending < 0.994 THEN 'redirected'
            WHEN ending < 0.998 THEN 'carded'
            ELSE 'paused'
        END AS state
    FROM timed
),
weighed AS (
    SELECT
        ended.*,
        state IN ('answered', 'stopped', 'failed') AS has_hold,
        -- A failed turn is charged to the site if the model had begun.
        CASE WHEN state = 'failed' AND seriousness < 0.5 THEN 0 ELSE 1 END AS began,
        350 + notes + turns + question + after_question AS prompt,
        CASE state WHEN 'stopped' THEN answer / 3 WHEN 'failed' THEN answer / 5 ELSE answer END AS written
    FROM ended
)
SELECT
    gen_random_uuid() AS id,
    person_id, budget_id, family_id, zone, language, shard, asked_at, asked_at + took AS ended_at, day, state, has_hold,
    CASE
        WHEN state = 'carded' THEN (ARRAY['2', '3', '4'])[1 + floor(seriousness * 3)::integer]
        WHEN state = 'paused' THEN '1'
        ELSE '0'
    END AS level,
    question, turns, notes, after_question,
    CASE WHEN has_hold THEN prompt * began ELSE 0 END AS prompt_tokens,
    CASE WHEN has_hold THEN written * began ELSE 0 END AS answer_tokens,
    CASE WHEN has_hold THEN (prompt * began * cached * 0.8)::integer ELSE 0 END AS cached_tokens,
    prompt AS held_prompt,
    400 AS held_answer,
    model.id AS model_id, model.model_name, model.is_local,
    model.input_price, model.cached_input_price, model.output_price,
    NULL::bigint AS microdollars,
    NULL::bigint AS held_microdollars,
    NULL::bigint AS period_id,
    NULL::bigint AS family_period_id,
    NULL::bigint AS site_period_id,
    NULL::uuid AS conversation_id
FROM weighed
JOIN load_model AS model ON model_draw >= model.draw_from AND model_draw < model.draw_to;

-- As `inference.prices.Prices.calculate_cost`: rounded up. A hold assumes that nothing is cached.
UPDATE load_turn SET
    microdollars = ceil((
        (prompt_tokens - cached_tokens)::numeric * input_price + cached_tokens::numeric * cached_input_price
        + answer_tokens::numeric * output_price
    ) / 1000000),
    held_microdollars = ceil((held_prompt::numeric * input_price + held_answer::numeric * output_price) / 1000000);
