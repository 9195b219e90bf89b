"""Redacts object titles in the admin log, which may contain people's names."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from privacy.registry import list_kinds

TITLE_RETENTION = timedelta(days=30)
BLANK = {"object_repr": "", "change_message": ""}


def redact_names(*, names: Iterable[str]) -> None:
    """Redact every title that contains one of these names as a whole word. Empty names are ignored."""
    named = Q(pk__in=[])
    for name in filter(None, names):
        named |= Q(object_repr__iregex=_match_whole_name(name))
    _list_titled_entries().filter(named).update(**BLANK)


def _match_whole_name(name: str) -> str:
    """Build a PostgreSQL regex that matches the name as a whole word: "An" does not match "Anna"."""
    return rf"(?<![[:alnum:]_]){re.escape(name)}(?![[:alnum:]_])"


def _list_titled_entries() -> QuerySet[LogEntry]:
    """List log entries with a title about models that hold personal data."""
    personal = ContentType.objects.get_for_models(*(model for kind in list_kinds() for model in kind.models))
    return LogEntry.objects.filter(content_type__in=personal.values()).exclude(**BLANK)


@transaction.atomic
def redact_expired_titles(*, now: datetime | None = None) -> int:
    """Redact titles older than TITLE_RETENTION. Return how many.

    Nothing else leads to people without an account, or to those who signed up for an event under another name.
    """
    before = (now or timezone.now()) - TITLE_RETENTION
    return _list_titled_entries().filter(action_time__lt=before).update(**BLANK)


def redact_rows(rows: QuerySet[Model]) -> None:
    """Redact the titles of these rows, which may be names. The log still says what was done."""
    of = rows.model._meta  # noqa: SLF001 - Django documents it
    keys = [str(key) for key in rows.values_list("pk", flat=True)]
    entries = LogEntry.objects.filter(content_type__app_label=of.app_label, content_type__model=of.model_name)
    entries.filter(object_id__in=keys).update(**BLANK)
