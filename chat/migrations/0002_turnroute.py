from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="TurnRoute",
            fields=[],
            options={
                "verbose_name": "route",
                "verbose_name_plural": "routes",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("chat.turn",),
        )
    ]
