import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0010_language'),
    ]

    operations = [
        migrations.AlterField(
            model_name='turn',
            name='retry_of',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='retries', to='chat.turn'),
        ),
        migrations.AddField(
            model_name='turn',
            name='replaced_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replaced', to='chat.turn'),
        ),
        migrations.AddConstraint(
            model_name='turn',
            constraint=models.UniqueConstraint(condition=models.Q(('replaced_by__isnull', True)), fields=('retry_of',), name='turn_one_standing_retry'),
        ),
    ]
