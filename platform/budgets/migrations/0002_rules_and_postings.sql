-- Entries and usage never change. A row trigger, so that TRUNCATE, which empties a test's database, still works.
CREATE FUNCTION budgets_refuse_entry_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A ledger entry never changes: write a correcting entry instead.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER budgets_entry_never_changes BEFORE UPDATE OR DELETE ON budgets_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION budgets_refuse_entry_change();
CREATE TRIGGER budgets_usage_never_changes BEFORE UPDATE OR DELETE ON budgets_usagerecord
    FOR EACH ROW EXECUTE FUNCTION budgets_refuse_entry_change();
CREATE FUNCTION budgets_refuse_forecast_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A forecast never changes once it is made.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER budgets_forecast_never_changes BEFORE UPDATE OR DELETE ON budgets_forecast
    FOR EACH ROW EXECUTE FUNCTION budgets_refuse_forecast_change();


-- A recorded change never changes. The admin's name and the note may go, when a person is erased.
CREATE FUNCTION budgets_refuse_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The record of a change never changes.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER budgets_record_never_changes
    BEFORE DELETE OR UPDATE OF at, kind, budget_id, plan_id, grant_id, before, after
    ON budgets_budgetchange FOR EACH ROW EXECUTE FUNCTION budgets_refuse_record_change();


-- What a hold set aside never changes, and neither do its periods.
CREATE FUNCTION budgets_refuse_hold_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a hold set aside never changes.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER budgets_hold_never_changes
    BEFORE UPDATE OF key, period_id, family_period_id, site_period_id, prompt_tokens, answer_tokens, microdollars
    ON budgets_hold FOR EACH ROW EXECUTE FUNCTION budgets_refuse_hold_change();


-- A budget's parent must have a wider scope.
CREATE FUNCTION budgets_check_nesting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM budgets_budget AS around WHERE around.id = NEW.parent_id AND (
            around.scope = 'site' OR around.scope = 'family' AND NEW.scope = 'person'
        )
    ) THEN
        RAISE EXCEPTION 'A budget''s parent must have a wider scope.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER budgets_check_nesting BEFORE INSERT OR UPDATE OF parent_id, scope
    ON budgets_budget FOR EACH ROW EXECUTE FUNCTION budgets_check_nesting();


-- Leave room on each page for the row that every posting updates.
ALTER TABLE budgets_period SET (fillfactor = 50);


-- Hold what an answer may cost, in every scope or in none.
CREATE FUNCTION budgets_create_hold(
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
    IF NOT FOUND THEN RETURN NULL; END IF;

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
        IF NOT FOUND THEN
            UPDATE budgets_period SET held = held - v_tokens, held_microdollars = held_microdollars - p_money
            WHERE id = v_persons;
            RETURN NULL;
        END IF;
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
    IF NOT FOUND THEN
        UPDATE budgets_period SET held = held - v_tokens, held_microdollars = held_microdollars - p_money
        WHERE id IN (v_persons, v_familys);
        RETURN NULL;
    END IF;

    INSERT INTO budgets_ledgerentry (hold_id, kind, tokens, microdollars, at, memo)
    VALUES (p_key, 'hold', v_tokens, p_money, p_now, '');
    INSERT INTO budgets_hold (
        key, period_id, family_period_id, site_period_id, prompt_tokens, answer_tokens, microdollars,
        state, created_at, expires_at
    ) VALUES (
        p_key, v_persons, v_familys, v_sites, p_prompt, p_answer, p_money, 'held', p_now, p_expires_at
    );
    RETURN ARRAY[v_persons, v_familys, v_sites];
END
$$;


-- Resolve a hold, once.
CREATE FUNCTION budgets_resolve_hold(
    p_key uuid, p_state varchar, p_tokens bigint, p_money bigint, p_now timestamptz,
    p_model varchar, p_is_local boolean, p_memory_policy varchar,
    p_prompt_tokens bigint, p_question_tokens bigint, p_memory_tokens bigint, p_cached_tokens bigint,
    p_prompt_money bigint, p_memory_money bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_hold budgets_hold;
    v_tokens bigint;
    v_money bigint;
    v_charged_tokens bigint;
    v_charged_money bigint;
BEGIN
    SELECT * INTO v_hold FROM budgets_hold WHERE key = p_key;
    IF NOT FOUND OR v_hold.state <> 'held' THEN RETURN NULL; END IF;
    PERFORM FROM budgets_period WHERE id = v_hold.period_id FOR NO KEY UPDATE;
    UPDATE budgets_hold SET state = p_state, resolved_at = p_now
    WHERE key = p_key AND resolved_at IS NULL RETURNING * INTO v_hold;
    IF NOT FOUND THEN RETURN NULL; END IF;

    v_tokens := least(p_tokens, v_hold.tokens);
    v_money := least(p_money, v_hold.microdollars);
    -- The site pays for the work of a released hold. Without a site period, the cost is not charged.
    v_charged_tokens := CASE p_state WHEN 'settled' THEN v_tokens ELSE 0 END;
    v_charged_money := CASE p_state WHEN 'settled' THEN v_money ELSE 0 END;
    IF p_state <> 'settled' AND v_hold.site_period_id IS NULL THEN
        v_tokens := 0;
        v_money := 0;
    END IF;
    UPDATE budgets_period
    SET held = held - v_hold.tokens, spent = spent + v_charged_tokens,
        held_microdollars = held_microdollars - v_hold.microdollars,
        spent_microdollars = spent_microdollars + v_charged_money
    WHERE id = v_hold.period_id;
    IF v_hold.family_period_id IS NOT NULL THEN
        UPDATE budgets_period
        SET held = held - v_hold.tokens, spent = spent + v_charged_tokens,
            held_microdollars = held_microdollars - v_hold.microdollars,
            spent_microdollars = spent_microdollars + v_charged_money
        WHERE id = v_hold.family_period_id;
    END IF;
    UPDATE budgets_period
    SET held = held - v_hold.tokens, spent = spent + v_tokens,
        held_microdollars = held_microdollars - v_hold.microdollars,
        spent_microdollars = spent_microdollars + v_money
    WHERE id = v_hold.site_period_id;

    IF p_state = 'settled' THEN
        INSERT INTO budgets_ledgerentry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (p_key, 'settle', v_tokens, v_money, p_now, '');
    ELSE
        INSERT INTO budgets_ledgerentry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (
            p_key, CASE p_state WHEN 'released' THEN 'release' ELSE 'expire' END,
            v_hold.tokens, v_hold.microdollars, p_now, ''
        );
        IF v_tokens > 0 OR v_money > 0 THEN
            INSERT INTO budgets_ledgerentry (period_id, hold_id, kind, tokens, microdollars, at, memo)
            VALUES (v_hold.site_period_id, p_key, 'absorb', v_tokens, v_money, p_now, '');
        END IF;
    END IF;
    IF p_tokens > v_tokens OR p_money > v_money THEN
        INSERT INTO budgets_ledgerentry (period_id, hold_id, kind, tokens, microdollars, at, memo)
        VALUES (
            coalesce(v_hold.site_period_id, v_hold.period_id), p_key, 'overrun',
            p_tokens - v_tokens, p_money - v_money, p_now, ''
        );
    END IF;
    IF p_tokens > 0 OR p_money > 0 THEN
        INSERT INTO budgets_usagerecord (
            hold_id, at, budget_id, plan_id, model, is_local, memory_policy, is_absorbed, tokens, prompt_tokens,
            question_tokens, memory_tokens, cached_tokens, microdollars, prompt_microdollars, memory_microdollars
        )
        SELECT
            p_key, p_now, budget.id, budget.plan_id, p_model, p_is_local, p_memory_policy, p_state <> 'settled',
            p_tokens, p_prompt_tokens, p_question_tokens, p_memory_tokens, p_cached_tokens, p_money, p_prompt_money,
            p_memory_money
        FROM budgets_period AS period JOIN budgets_budget AS budget ON budget.id = period.budget_id
        WHERE period.id = v_hold.period_id;
    END IF;
    RETURN ARRAY[v_hold.tokens, v_hold.microdollars];
END
$$;
