-- Hold what an answer may cost, in every scope or in none. The inner block is a subtransaction: if a scope has too little
-- left, or the key has a hold already, it undoes what it changed and releases its locks.
CREATE OR REPLACE FUNCTION budgets_create_hold(
    p_owner bigint, p_key uuid, p_prompt integer, p_answer integer, p_money bigint,
    p_now timestamptz, p_expires_at timestamptz, p_shards integer
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_tokens bigint := p_prompt + p_answer;
    v_person bigint; v_family bigint; v_site bigint;
    v_persons bigint; v_familys bigint; v_sites bigint;
BEGIN
    SELECT mine.id, CASE WHEN outer_one.scope = 'family' THEN outer_one.id END, site.id
    INTO v_person, v_family, v_site
    FROM budgets_budget AS mine
        JOIN budgets_budget AS outer_one ON outer_one.id = mine.parent_id
        JOIN budgets_budget AS site ON site.id = coalesce(outer_one.parent_id, outer_one.id)
    WHERE mine.owner_id = p_owner AND site.stopped_at IS NULL;
    IF NOT FOUND THEN RETURN NULL; END IF;

    BEGIN
        UPDATE budgets_period SET held = held + v_tokens, held_microdollars = held_microdollars + p_money
        WHERE id = (
                SELECT id FROM budgets_period WHERE budget_id = v_person AND shard = 0
                ORDER BY starts_at DESC LIMIT 1
            )
            AND recheck_at > p_now
            AND (NOT limits_tokens OR spent + held + v_tokens <= granted)
            AND (NOT limits_microdollars
                OR spent_microdollars + held_microdollars + p_money <= granted_microdollars)
        RETURNING id INTO v_persons;
        IF NOT FOUND THEN RAISE SQLSTATE 'KT001'; END IF;

        IF v_family IS NOT NULL THEN
            UPDATE budgets_period SET held = held + v_tokens, held_microdollars = held_microdollars + p_money
            WHERE id = (
                    SELECT id FROM budgets_period WHERE budget_id = v_family AND shard = 0
                    ORDER BY starts_at DESC LIMIT 1
                )
                AND recheck_at > p_now
                AND (NOT limits_tokens OR spent + held + v_tokens <= granted)
                AND (NOT limits_microdollars
                    OR spent_microdollars + held_microdollars + p_money <= granted_microdollars)
            RETURNING id INTO v_familys;
            IF NOT FOUND THEN RAISE SQLSTATE 'KT001'; END IF;
        END IF;

        UPDATE budgets_period SET held = held + v_tokens, held_microdollars = held_microdollars + p_money
        WHERE id = (
                SELECT id FROM budgets_period WHERE budget_id = v_site AND shard = v_person % p_shards
                ORDER BY starts_at DESC LIMIT 1
            )
            AND recheck_at > p_now
            AND (NOT limits_tokens OR spent + held + v_tokens <= granted)
            AND (NOT limits_microdollars
                OR spent_microdollars + held_microdollars + p_money <= granted_microdollars)
        RETURNING id INTO v_sites;
        IF NOT FOUND THEN RAISE SQLSTATE 'KT001'; END IF;

        INSERT INTO budgets_ledgerentry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (p_key, 'hold', v_tokens, p_money, p_now, '');
        INSERT INTO budgets_hold (
            key, period_id, family_period_id, site_period_id, prompt_tokens, answer_tokens, microdollars,
            state, created_at, expires_at
        ) VALUES (
            p_key, v_persons, v_familys, v_sites, p_prompt, p_answer, p_money, 'held', p_now, p_expires_at
        );
    EXCEPTION WHEN SQLSTATE 'KT001' OR unique_violation THEN
        RETURN NULL;
    END;
    RETURN ARRAY[v_persons, v_familys, v_sites];
END
$$;
