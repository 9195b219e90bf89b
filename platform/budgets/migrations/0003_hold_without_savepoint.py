from pathlib import Path

from django.db import migrations

FORWARDS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    """A hold that fails undoes its own changes and locks, so callers need no savepoint: two round trips fewer."""

    dependencies = [("budgets", "0002_rules_and_postings")]
    operations = [migrations.RunSQL(FORWARDS, migrations.RunSQL.noop)]
