from pathlib import Path

from django.db import migrations

FORWARDS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARDS = """
ALTER TABLE budgets_period RESET (fillfactor);
DROP TRIGGER budgets_entry_never_changes ON budgets_ledgerentry;
DROP TRIGGER budgets_usage_never_changes ON budgets_usagerecord;
DROP TRIGGER budgets_forecast_never_changes ON budgets_forecast;
DROP TRIGGER budgets_hold_never_changes ON budgets_hold;
DROP TRIGGER budgets_check_nesting ON budgets_budget;
DROP FUNCTION budgets_refuse_entry_change, budgets_refuse_forecast_change, budgets_refuse_hold_change;
DROP FUNCTION budgets_check_nesting;
DROP TRIGGER budgets_record_never_changes ON budgets_budgetchange;
DROP FUNCTION budgets_refuse_record_change;
DROP FUNCTION budgets_create_hold, budgets_resolve_hold;
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
