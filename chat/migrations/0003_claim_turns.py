from pathlib import Path

from django.db import migrations

FORWARDS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARDS = "DROP FUNCTION chat_claim_turns, chat_list_next_turns;"


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_turnroute")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
