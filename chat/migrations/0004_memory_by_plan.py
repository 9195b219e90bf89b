from django.db import migrations, models
from django.db.models import Case, Value, When


def carry(apps, schema_editor):
    turns = apps.get_model("chat", "Turn").objects
    turns.update(memory_tokens=Case(When(has_memory=True, then=Value(600)), default=Value(0)))


def carry_back(apps, schema_editor):
    apps.get_model("chat", "Turn").objects.filter(memory_tokens=0).update(has_memory=False)


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_memory")]
    operations = [
        migrations.AddField("turn", "memory_tokens", models.PositiveIntegerField(default=600)),
        migrations.RunPython(carry, carry_back),
        migrations.RemoveField("turn", "has_memory"),
        migrations.AddField("turn", "brief_floor", models.CharField(blank=True, default="", max_length=6), preserve_default=False),
        migrations.AddField("turn", "refills_at", models.DateTimeField(blank=True, null=True)),
    ]
