from pathlib import Path

from django.db import migrations

FORWARDS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARDS = """
DROP TRIGGER safeguarding_count_only_grows ON safeguarding_weeklycount;
DROP TRIGGER safeguarding_entry_never_changes ON safeguarding_incidententry;
DROP TRIGGER safeguarding_review_never_changes ON safeguarding_humanreview;
DROP FUNCTION safeguarding_refuse_lower_count();
DROP FUNCTION safeguarding_refuse_entry_change();
DROP FUNCTION safeguarding_refuse_review_change();
"""


class Migration(migrations.Migration):
    dependencies = [("safeguarding", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
