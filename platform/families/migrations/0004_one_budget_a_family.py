"""Puts those who are linked today within one budget, as linking does from now on."""

from django.db import migrations


def nest(apps, schema_editor):
    budgets = apps.get_model("budgets", "Budget").objects
    links = apps.get_model("families", "Link").objects.filter(ended_at=None).order_by("made_at")
    for link in links.select_related("parent"):
        site = budgets.filter(kind="site").first()
        pair = [
            budgets.get_or_create(owner_id=owner_id, defaults={"within": site, "tokens": usual(apps)})[0]
            for owner_id in (link.teen_id, link.parent_id)
        ]
        families = [one.within for one in pair if one.within.kind == "family"]
        family = families[0] if families else budgets.create(
            kind="family", within=site, length="month", time_zone=link.parent.time_zone
        )
        for one in pair:
            if one.within.kind != "family":
                one.within = family
                one.save(update_fields=["within"])


def usual(apps):
    from django.conf import settings

    free = apps.get_model("budgets", "Plan").objects.filter(slug="free").first()
    return free.tokens if free else settings.TUTOR_DAILY_TOKENS


class Migration(migrations.Migration):
    dependencies = [("families", "0003_family_erasure"), ("budgets", "0006_postings")]
    operations = [migrations.RunPython(nest, migrations.RunPython.noop)]
