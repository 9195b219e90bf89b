import django.utils.timezone
from django.db import migrations, models
from django.db.models import F


def end_looks_as_they_began(apps, schema_editor):
    apps.get_model("families", "Look").objects.update(last_at=F("at"))


class Migration(migrations.Migration):
    dependencies = [("families", "0008_what_was_told_first")]
    operations = [
        # Nobody knows when a wider view was agreed on before this: it counts from now on.
        migrations.AddField(
            model_name="link",
            name="flagged_since",
            field=models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True),
        ),
        migrations.AddField(
            model_name="link",
            name="full_since",
            field=models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True),
        ),
        migrations.AddField(
            model_name="look",
            name="last_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name="proposal", name="opens_earlier", field=models.BooleanField(default=False)
        ),
        migrations.RunPython(end_looks_as_they_began, migrations.RunPython.noop),
    ]
