from django.db import migrations

# For each row, so that TRUNCATE, which empties a test's database, is not concerned.
REFUSE = """
CREATE FUNCTION budgets_entry_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A ledger entry never changes: write a correcting entry instead.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER budgets_entry_never_changes BEFORE UPDATE OR DELETE ON budgets_entry
    FOR EACH ROW EXECUTE FUNCTION budgets_entry_refuse_change();
"""
ALLOW = """
DROP TRIGGER budgets_entry_never_changes ON budgets_entry;
DROP FUNCTION budgets_entry_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
