from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("families", "0005_zones")]
    operations = [
        migrations.AddConstraint(
            "link", models.CheckConstraint(condition=~Q(time_zone=""), name="link_has_a_zone")
        ),
        migrations.AddConstraint(
            "link",
            models.CheckConstraint(
                condition=Q(zone_from=None, earlier_zone="") | (Q(zone_from__isnull=False) & ~Q(earlier_zone="")),
                name="link_zone_from_another",
            ),
        ),
    ]
