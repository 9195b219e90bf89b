import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0012_replaced_turns'),
    ]

    operations = [
        migrations.AddField(
            model_name='turn',
            name='continues',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='continuations', to='chat.turn'),
        ),
    ]
