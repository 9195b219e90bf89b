"""Retries from before: until now each replaced its turn, however it ended. By the rule of chat.turns.retries only a better one
does, and a retry belongs to the turn that was shown when it was asked for."""

from django.db import migrations

VERDICTS = {"carded", "paused", "refused", "redirected"}


def is_better(retry, earlier):
    if retry.state in VERDICTS:
        return True
    if retry.state == "withheld":
        return not earlier.answer
    is_whole = retry.state == "answered" and not retry.ending
    return (is_whole and bool(retry.answer)) or len(retry.answer) > len(earlier.answer)


def replace_turns(apps, schema_editor):
    Turn = apps.get_model("chat", "Turn")
    after = dict(Turn.objects.filter(retry_of__isnull=False).order_by().values_list("retry_of", "pk"))
    for first in after.keys() - set(after.values()):
        shown, following = Turn.objects.get(pk=first), after.get(first)
        while following:
            retry, following = Turn.objects.get(pk=following), after.get(following)
            retry.retry_of = shown
            if retry.state in {"queued", "working"}:
                retry.save(update_fields=["retry_of"])
            elif is_better(retry, shown):
                retry.save(update_fields=["retry_of"])
                shown.replaced_by = retry
                shown.save(update_fields=["replaced_by"])
                shown = retry
            else:
                retry.replaced_by = shown
                retry.save(update_fields=["retry_of", "replaced_by"])


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0011_retries'),
    ]

    operations = [
        migrations.RunPython(replace_turns, migrations.RunPython.noop),
    ]
