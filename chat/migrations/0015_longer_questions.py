from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0014_model_faults'),
    ]

    operations = [
        migrations.AlterField(
            model_name='turn',
            name='question',
            field=models.TextField(max_length=8000),
        ),
    ]
