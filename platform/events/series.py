"""Repeat an event. Each date is an event of its own, at the same local time even if the clocks change."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.text import slugify

from events.models import Event, Series
from events.times import to_instant

# The fields that repeated events share. The link to join and the sign-ups are separate.
COPIED_FIELDS = (
    "title", "summary", "description", "language", "translations", "time_zone", "minutes", "module_slug", "hosts",
    "capacity", "max_guests",
)  # fmt: skip


@transaction.atomic
def repeat_event(*, event: Event, times: int, weeks: int) -> list[Event]:
    """Create drafts for an event's next `times` dates, every `weeks` weeks at the same local time, as a series.

    Existing dates are skipped, so repeating the call creates nothing twice. Raises NoSuchTime if the clocks skip the
    local time on one of the dates.
    """
    Event.objects.select_for_update(no_key=True).get(pk=event.pk)
    event.refresh_from_db()
    if event.series is None:
        event.series = Series.objects.create(title=event.title)
        event.save(update_fields=["series"])
    local_start = event.starts_local.replace(tzinfo=None, fold=0)
    starts = [to_instant(local_start + timedelta(weeks=weeks * n), event.zone) for n in range(1, times + 1)]
    existing = set(
        Event.objects.filter(series=event.series, starts_at__in=starts).values_list("starts_at", flat=True)
    )
    return [_copy(event, starts_at) for starts_at in starts if starts_at not in existing]


def _copy(event: Event, starts_at: datetime) -> Event:
    return Event.objects.create(
        slug=_find_free_slug(event.title, starts_at.astimezone(event.zone)),
        starts_at=starts_at,
        series=event.series,
        **{name: getattr(event, name) for name in COPIED_FIELDS},
    )


def _find_free_slug(title: str, local: datetime) -> str:
    """Return an unused slug: the title and the date, with a number if that is taken."""
    base = f"{slugify(title)[:60] or 'event'}-{local:%Y-%m-%d}"
    taken = set(Event.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{n}" for n in range(2, 100))) if slug not in taken)
