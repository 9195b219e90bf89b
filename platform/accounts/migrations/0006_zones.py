"""Whether somebody said that their time zone is right; and zones by their present names."""

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from accounts.zones import canonical_zone


def name_anew(apps, schema_editor):
    people = apps.get_model("accounts", "Person").objects
    for zone in people.values_list("time_zone", flat=True).distinct().order_by():
        present = canonical_zone(zone)
        if present and present != zone:
            people.filter(time_zone=zone).update(time_zone=present)
    # Another zone than the default was chosen by somebody.
    people.filter(~Q(time_zone=settings.DEFAULT_PERSON_TIME_ZONE)).update(is_zone_confirmed=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_erased_people")]
    operations = [
        migrations.AddField(
            "person",
            "is_zone_confirmed",
            models.BooleanField(default=False, editable=False, verbose_name="time zone confirmed"),
        ),
        migrations.RunPython(name_anew, migrations.RunPython.noop),
    ]
