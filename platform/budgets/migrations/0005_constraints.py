import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("budgets", "0004_everybody_within_the_site")]
    operations = [
        migrations.AlterField(
            model_name='period',
            name='open_until',
            field=models.DateTimeField(verbose_name='holds until'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.UniqueConstraint(fields=('budget', 'shard', 'starts_at'), name='period_starts_once'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('open_until__lte', models.F('ends_at'))), name='period_open_to_its_end'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('limits_tokens', False), ('granted__gte', django.db.models.expressions.CombinedExpression(models.F('spent'), '+', models.F('held'))), _connector='OR'), name='period_never_overdrawn'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('held_microdollars__gte', 0)), name='period_held_microdollars_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='period',
            constraint=models.CheckConstraint(condition=models.Q(('limits_microdollars', False), ('granted_microdollars__gte', django.db.models.expressions.CombinedExpression(models.F('spent_microdollars'), '+', models.F('held_microdollars'))), _connector='OR'), name='period_microdollars_never_overdrawn'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(('kind__in', ('grant', 'gift', 'move'))), fields=['period'], name='entry_about_granted'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['grant', 'gift', 'move', 'hold', 'settle', 'return', 'release', 'expire', 'overrun'])), name='entry_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ('grant', 'gift', 'move')), ('period__isnull', False)), ('hold__isnull', False), _connector='OR'), name='entry_names_its_hold'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ('grant', 'gift', 'move')), models.Q(('microdollars__gte', 0), ('tokens__gte', 0)), _connector='OR'), name='entry_tokens_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'hold')), fields=('hold',), name='entry_holds_once'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ('settle', 'release', 'expire'))), fields=('hold',), name='entry_resolves_once'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'overrun')), fields=('hold',), name='entry_overruns_once'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['person', 'family', 'site'])), name='budget_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('length__in', ['day', 'week', 'month'])), name='budget_length_known'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'site')), fields=('kind',), name='budget_one_site'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'site'), ('within', None)), models.Q(models.Q(('kind', 'site'), _negated=True), ('within__isnull', False)), _connector='OR'), name='budget_within_unless_site'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('within', models.F('id')), _negated=True), name='budget_not_within_itself'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'person'), models.Q(('daily_cap', None), ('owner', None), ('plan', None)), _connector='OR'), name='budget_person_alone_has_owner_and_plan'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'site'), ('stopped_at', None), _connector='OR'), name='budget_site_alone_stops'),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['expires_at'], name='grant_open'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('tokens__gt', 0), ('microdollars__gt', 0), _connector='OR'), name='grant_of_something'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('given_at'))), name='grant_expires_later'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('left_microdollars__lte', models.F('microdollars')), ('left_tokens__lte', models.F('tokens'))), name='grant_left_at_most_all'),
        ),
    ]
