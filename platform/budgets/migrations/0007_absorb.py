"""The site pays for work that failed: a hold may be released and have cost something all the same."""

from django.db import migrations, models
from django.db.models import Q

KINDS = ["grant", "gift", "move", "hold", "settle", "return", "release", "expire", "absorb", "overrun"]

BEFORE = """
CREATE OR REPLACE FUNCTION budgets_hold_resolve(
    p_key uuid, p_state varchar, p_tokens bigint, p_money bigint, p_now timestamptz
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_hold budgets_hold;
    v_tokens bigint;
    v_money bigint;
BEGIN
    SELECT * INTO v_hold FROM budgets_hold WHERE key = p_key;
    IF NOT FOUND OR v_hold.state <> 'held' THEN RETURN NULL; END IF;
    PERFORM FROM budgets_period WHERE id = v_hold.period_id FOR NO KEY UPDATE;
    UPDATE budgets_hold SET state = p_state, resolved_at = p_now
    WHERE key = p_key AND resolved_at IS NULL RETURNING * INTO v_hold;
    IF NOT FOUND THEN RETURN NULL; END IF;

    v_tokens := least(p_tokens, v_hold.tokens);
    v_money := least(p_money, v_hold.microdollars);
    UPDATE budgets_period
    SET held = held - v_hold.tokens, spent = spent + v_tokens,
        held_microdollars = held_microdollars - v_hold.microdollars,
        spent_microdollars = spent_microdollars + v_money
    WHERE id = v_hold.period_id;
    IF v_hold.family_period_id IS NOT NULL THEN
        UPDATE budgets_period
        SET held = held - v_hold.tokens, spent = spent + v_tokens,
            held_microdollars = held_microdollars - v_hold.microdollars,
            spent_microdollars = spent_microdollars + v_money
        WHERE id = v_hold.family_period_id;
    END IF;
    UPDATE budgets_period
    SET held = held - v_hold.tokens, spent = spent + v_tokens,
        held_microdollars = held_microdollars - v_hold.microdollars,
        spent_microdollars = spent_microdollars + v_money
    WHERE id = v_hold.site_period_id;

    IF p_state = 'settled' THEN
        INSERT INTO budgets_entry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (p_key, 'settle', v_tokens, v_money, p_now, '');
        IF p_tokens > v_tokens OR p_money > v_money THEN
            INSERT INTO budgets_entry (period_id, hold_id, kind, tokens, microdollars, at, memo)
            VALUES (
                coalesce(v_hold.site_period_id, v_hold.period_id), p_key, 'overrun',
                p_tokens - v_tokens, p_money - v_money, p_now, ''
            );
        END IF;
    ELSE
        INSERT INTO budgets_entry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (
            p_key, CASE p_state WHEN 'released' THEN 'release' ELSE 'expire' END,
            v_hold.tokens, v_hold.microdollars, p_now, ''
        );
    END IF;
    RETURN ARRAY[v_hold.tokens, v_hold.microdollars];
END
$$;
"""

# As before, but for a hold that is released with a cost: person and family get it back whole, the site has spent it.
RESOLVE = """
CREATE OR REPLACE FUNCTION budgets_hold_resolve(
    p_key uuid, p_state varchar, p_tokens bigint, p_money bigint, p_now timestamptz
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
    -- A released hold's work is paid by the site, and one that was made before the site had a budget by nothing.
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
        INSERT INTO budgets_entry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (p_key, 'settle', v_tokens, v_money, p_now, '');
    ELSE
        INSERT INTO budgets_entry (hold_id, kind, tokens, microdollars, at, memo)
        VALUES (
            p_key, CASE p_state WHEN 'released' THEN 'release' ELSE 'expire' END,
            v_hold.tokens, v_hold.microdollars, p_now, ''
        );
        IF v_tokens > 0 OR v_money > 0 THEN
            INSERT INTO budgets_entry (period_id, hold_id, kind, tokens, microdollars, at, memo)
            VALUES (v_hold.site_period_id, p_key, 'absorb', v_tokens, v_money, p_now, '');
        END IF;
    END IF;
    IF p_tokens > v_tokens OR p_money > v_money THEN
        INSERT INTO budgets_entry (period_id, hold_id, kind, tokens, microdollars, at, memo)
        VALUES (
            coalesce(v_hold.site_period_id, v_hold.period_id), p_key, 'overrun',
            p_tokens - v_tokens, p_money - v_money, p_now, ''
        );
    END IF;
    RETURN ARRAY[v_hold.tokens, v_hold.microdollars];
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0006_postings")]
    operations = [
        migrations.RemoveConstraint(model_name="entry", name="entry_kind_known"),
        migrations.AlterField(
            model_name="entry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("grant", "allowance"),
                    ("gift", "grant"),
                    ("move", "moved between shards"),
                    ("hold", "held"),
                    ("settle", "settled"),
                    ("return", "left over from a settled hold"),
                    ("release", "released"),
                    ("expire", "expired"),
                    ("absorb", "paid by the site"),
                    ("overrun", "used beyond a hold"),
                ],
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(condition=Q(kind__in=KINDS), name="entry_kind_known"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                condition=Q(kind="absorb"), fields=["hold"], name="entry_absorbs_once"
            ),
        ),
        migrations.RunSQL(RESOLVE, BEFORE),
    ]
