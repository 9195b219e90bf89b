"""Budgets of the old shape stood alone and had days only; each now lies within the site's."""

from django.conf import settings
from django.db import migrations
from django.db.models import F


def carry(apps, schema_editor):
    budgets, periods = apps.get_model("budgets", "Budget").objects, apps.get_model("budgets", "Period").objects
    plans = apps.get_model("budgets", "Plan").objects
    usual = settings.TUTOR_DAILY_TOKENS
    site = budgets.create(kind="site", tokens=None, length="month", time_zone=settings.DEFAULT_PERSON_TIME_ZONE)
    people = budgets.filter(kind="person")
    people.update(within=site)
    # Less than everybody's was agreed on in a family or set by an admin: a cap. More was set by an admin: a plan.
    people.filter(tokens__lt=usual).update(daily_cap=F("tokens"))
    for tokens in set(people.filter(tokens__gt=usual).values_list("tokens", flat=True)):
        plan = plans.create(slug=f"day-{tokens}", name=f"{tokens:,} tokens a day", tokens=tokens)
        people.filter(tokens=tokens).update(plan=plan)
    periods.update(open_until=F("ends_at"))


def stand_alone(apps, schema_editor):
    """The way back, until the first hold is made on the site's budget: the old shape cannot say where it was."""
    budgets = apps.get_model("budgets", "Budget").objects
    budgets.update(within=None, plan=None)
    budgets.exclude(kind="person").delete()


class Migration(migrations.Migration):
    dependencies = [("budgets", "0003_nested")]
    operations = [migrations.RunPython(carry, stand_alone)]
