import accounts.models
import budgets.models.plans
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('budgets', '0002_entries_never_change'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Audit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('entries', models.PositiveBigIntegerField(verbose_name='entries')),
                ('differences', models.PositiveIntegerField(verbose_name='differences')),
                ('first', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, verbose_name='the first of them')),
            ],
            options={
                'verbose_name': 'audit',
                'verbose_name_plural': 'audits',
                'get_latest_by': 'at',
            },
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tokens', models.PositiveBigIntegerField(default=0, verbose_name='tokens')),
                ('microdollars', models.PositiveBigIntegerField(default=0, verbose_name='millionths of a dollar')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('given_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='given')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('left_tokens', models.PositiveBigIntegerField(editable=False, verbose_name='tokens left')),
                ('left_microdollars', models.PositiveBigIntegerField(editable=False, verbose_name='millionths of a dollar left')),
                ('counted_in', models.DateTimeField(editable=False, null=True)),
                ('closed_at', models.DateTimeField(editable=False, null=True, verbose_name='over since')),
            ],
            options={
                'verbose_name': 'grant',
                'verbose_name_plural': 'grants',
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(unique=True, verbose_name='short name')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('tokens', models.PositiveBigIntegerField(blank=True, help_text='Empty: no limit.', null=True, verbose_name='tokens a period')),
                ('microdollars', models.PositiveBigIntegerField(blank=True, help_text='Empty: no limit.', null=True, verbose_name='millionths of a dollar a period')),
                ('length', models.CharField(choices=[('day', 'a day'), ('week', 'a week, from Monday on'), ('month', 'a month, from the 1st on')], default='day', max_length=5, verbose_name='period')),
                ('answer_tokens', models.PositiveIntegerField(blank=True, help_text='Empty: as long as the site allows.', null=True, verbose_name='longest answer, in tokens')),
                ('model_names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=budgets.models.plans.any_model, help_text='Names of models, by comma; “any” stands for every model.', verbose_name='models')),
                ('memory_tokens', models.PositiveIntegerField(default=600, help_text='How much of a conversation is carried on; 0 is none.', verbose_name='memory, in tokens')),
            ],
            options={
                'verbose_name': 'plan',
                'verbose_name_plural': 'plans',
            },
        ),
        migrations.CreateModel(
            name='Overrun',
            fields=[
            ],
            options={
                'verbose_name': 'overrun',
                'verbose_name_plural': 'overruns',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('budgets.entry',),
        ),
        migrations.AlterModelOptions(
            name='period',
            options={'verbose_name': 'period', 'verbose_name_plural': 'periods'},
        ),
        migrations.RemoveConstraint(
            model_name='entry',
            name='entry_kind_known',
        ),
        migrations.RemoveConstraint(
            model_name='entry',
            name='entry_names_its_hold',
        ),
        migrations.RemoveConstraint(
            model_name='entry',
            name='entry_tokens_not_negative',
        ),
        migrations.RemoveConstraint(
            model_name='entry',
            name='entry_once_a_hold',
        ),
        migrations.RemoveConstraint(
            model_name='period',
            name='period_starts_once',
        ),
        migrations.RemoveConstraint(
            model_name='period',
            name='period_never_overdrawn',
        ),
        migrations.RenameField(model_name='budget', old_name='daily_tokens', new_name='tokens'),
        migrations.AlterField(
            model_name='budget',
            name='tokens',
            field=models.PositiveBigIntegerField(blank=True, help_text='Empty: no limit.', null=True, verbose_name='tokens a period'),
        ),
        migrations.AddField(
            model_name='budget',
            name='daily_cap',
            field=models.PositiveBigIntegerField(blank=True, editable=False, null=True, verbose_name='most tokens a day'),
        ),
        migrations.AddField(
            model_name='budget',
            name='kind',
            field=models.CharField(choices=[('person', 'a person’s'), ('family', 'a family’s'), ('site', 'the site’s')], default='person', editable=False, max_length=6, verbose_name='whose'),
        ),
        migrations.AddField(
            model_name='budget',
            name='length',
            field=models.CharField(choices=[('day', 'a day'), ('week', 'a week, from Monday on'), ('month', 'a month, from the 1st on')], default='day', max_length=5, verbose_name='period'),
        ),
        migrations.AddField(
            model_name='budget',
            name='microdollars',
            field=models.PositiveBigIntegerField(blank=True, help_text='Empty: no limit.', null=True, verbose_name='millionths of a dollar a period'),
        ),
        migrations.AddField(
            model_name='budget',
            name='stopped_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='stopped'),
        ),
        migrations.AddField(
            model_name='budget',
            name='time_zone',
            field=models.CharField(blank=True, help_text='Empty: where its owner lives.', max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone'),
        ),
        migrations.AddField(
            model_name='budget',
            name='within',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='inner', to='budgets.budget', verbose_name='within'),
        ),
        migrations.AddField(
            model_name='hold',
            name='family_period',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='budgets.period', verbose_name='family’s'),
        ),
        migrations.AddField(
            model_name='hold',
            name='microdollars',
            field=models.PositiveBigIntegerField(default=0, verbose_name='millionths of a dollar'),
        ),
        migrations.AddField(
            model_name='hold',
            name='site_period',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='budgets.period', verbose_name='site’s'),
        ),
        migrations.AddField(
            model_name='period',
            name='granted_microdollars',
            field=models.BigIntegerField(default=0, verbose_name='granted, in millionths of a dollar'),
        ),
        migrations.AddField(
            model_name='period',
            name='held_microdollars',
            field=models.BigIntegerField(default=0, verbose_name='held, in millionths of a dollar'),
        ),
        migrations.AddField(
            model_name='period',
            name='limits_microdollars',
            field=models.BooleanField(default=False, verbose_name='money is limited'),
        ),
        migrations.AddField(
            model_name='period',
            name='limits_tokens',
            field=models.BooleanField(default=True, verbose_name='tokens are limited'),
        ),
        migrations.AddField(model_name='period', name='open_until', field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name='period',
            name='shard',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='shard'),
        ),
        migrations.AlterField(
            model_name='entry',
            name='kind',
            field=models.CharField(choices=[('grant', 'allowance'), ('gift', 'grant'), ('move', 'moved between shards'), ('hold', 'held'), ('settle', 'settled'), ('return', 'left over from a settled hold'), ('release', 'released'), ('expire', 'expired'), ('overrun', 'used beyond a hold')], max_length=10, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='entry',
            name='period',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='budgets.period', verbose_name='period'),
        ),
        migrations.AlterField(
            model_name='hold',
            name='period',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='budgets.period', verbose_name='period'),
        ),
        migrations.AlterField(
            model_name='period',
            name='granted',
            field=models.BigIntegerField(default=0, help_text='tokens', verbose_name='granted'),
        ),
        migrations.AddField(
            model_name='grant',
            name='budget',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='budgets.budget', verbose_name='budget'),
        ),
        migrations.AddField(
            model_name='grant',
            name='given_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='given by'),
        ),
        migrations.AddField(
            model_name='entry',
            name='grant',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='budgets.grant', verbose_name='grant'),
        ),
        migrations.AddField(
            model_name='budget',
            name='plan',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='budgets.plan', verbose_name='plan'),
        ),
    ]
