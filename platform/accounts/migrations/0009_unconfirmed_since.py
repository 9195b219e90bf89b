from django.db import migrations, models
from django.db.models import Count, Exists, F, OuterRef
from django.db.models.functions import Lower


def _unconfirmed(apps):
    """People who signed up by themselves, so that their username was made up, and were never let in."""
    address = apps.get_model("account", "EmailAddress").objects.filter(user=OuterRef("pk"))
    people = apps.get_model("accounts", "Person").objects
    signed_up = people.filter(role="parent", username__startswith="person-", last_login=None)
    return signed_up.filter(Exists(address)).exclude(Exists(address.filter(verified=True)))


def mark_unconfirmed(apps, schema_editor):
    _unconfirmed(apps).update(unconfirmed_since=F("joined_at"))


def let_one_keep_each_address(apps, schema_editor):
    """Of several accounts with one address, the others lose it: unconfirmed ones first, and the newest of those last.

    An account that loses its address can no longer be confirmed. The nightly task erases it.
    """
    person = apps.get_model("accounts", "Person")
    doubled = person.objects.exclude(email="").values(address=Lower("email")).annotate(n=Count("pk")).filter(n__gt=1)
    for row in doubled.order_by("address"):
        sharing = person.objects.annotate(address=Lower("email")).filter(address=row["address"])
        kept, *_others = sorted(
            sharing, key=lambda one: (one.unconfirmed_since is not None, -one.joined_at.timestamp())
        )
        sharing.exclude(pk=kept.pk).update(email="")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_mailbox_confirmation"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations = [
        migrations.AddField(
            model_name="person",
            name="unconfirmed_since",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="not confirmed since"
            ),
        ),
        migrations.RunPython(mark_unconfirmed, migrations.RunPython.noop),
        migrations.RunPython(let_one_keep_each_address, migrations.RunPython.noop),
    ]
