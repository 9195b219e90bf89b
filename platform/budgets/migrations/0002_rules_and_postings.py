from pathlib import Path

from django.db import migrations

FORWARDS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARDS = """
ALTER TABLE budgets_period RESET (fillfactor);
DROP TRIGGER budgets_entry_never_changes ON budgets_entry;
DROP TRIGGER budgets_hold_never_changes ON budgets_hold;
DROP TRIGGER budgets_budget_nests ON budgets_budget;
DROP FUNCTION budgets_entry_refuse_change, budgets_hold_refuse_change, budgets_budget_nests;
DROP FUNCTION budgets_hold_make, budgets_hold_resolve;
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
