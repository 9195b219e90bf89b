"""An agreement has a zone of its own: the one that it went by, or the parent's where the teen's is only our guess."""

from django.conf import settings
from django.db import migrations, models

import accounts.models


def fill(apps, schema_editor):
    links = apps.get_model("families", "Link").objects
    for link in links.filter(time_zone="").select_related("parent", "teen").iterator():
        # Where the teen's account never said otherwise, the parent's choice is the better guess.
        teen, parent = link.teen, link.parent
        both = teen.is_zone_confirmed and parent.is_zone_confirmed
        link.time_zone = teen.time_zone if teen.is_zone_confirmed else parent.time_zone
        link.is_zone_confirmed = both and teen.time_zone == parent.time_zone
        link.save(update_fields=["time_zone", "is_zone_confirmed"])
    for proposal in apps.get_model("families", "Proposal").objects.select_related("link").iterator():
        proposal.time_zone = proposal.link.time_zone
        proposal.save(update_fields=["time_zone"])
    # The daily limit refills on the agreement's clock too.
    budgets = apps.get_model("budgets", "Budget").objects
    settled = set()
    for link in links.filter(ended_at=None).order_by("made_at"):
        if link.teen_id not in settled:
            settled.add(link.teen_id)
            budgets.filter(owner_id=link.teen_id).update(time_zone=link.time_zone)


ZONE = {"max_length": 60, "validators": [accounts.models.validate_time_zone], "verbose_name": "time zone"}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_zones"),
        ("budgets", "0007_absorb"),
        ("families", "0004_one_budget_a_family"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("link", "time_zone", models.CharField(default="", **ZONE), preserve_default=False),
        migrations.AddField("proposal", "time_zone", models.CharField(default="", **ZONE), preserve_default=False),
        migrations.AddField("link", "earlier_zone", models.CharField(blank=True, default="", editable=False, max_length=60), preserve_default=False),
        migrations.AddField("link", "zone_from", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField(
            "link",
            "is_zone_confirmed",
            models.BooleanField(default=False, editable=False, verbose_name="time zone confirmed"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
