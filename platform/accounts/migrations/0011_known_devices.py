from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_one_account_an_address")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="devices_known_from",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="signed out everywhere else"
            ),
        ),
    ]
