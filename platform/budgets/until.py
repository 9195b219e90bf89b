"""Until when a grant lasts: the end of a day on the clock of the admin who gives it. No database access."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SUNDAY = 6


class Until(models.TextChoices):
    """How an admin says until when."""

    TODAY = "today", gettext_lazy("the end of today")
    SUNDAY = "sunday", gettext_lazy("the end of Sunday")
    MONTH = "month", gettext_lazy("the end of this month")
    DATE = "date", gettext_lazy("the end of a date")


def get_last_day(until: Until, today: date, chosen: date | None = None) -> date:
    """Return the last day. On a Sunday, “until Sunday” is that day. `chosen` is for Until.DATE."""
    match until:
        case Until.TODAY:
            return today
        case Until.SUNDAY:
            return today + timedelta(days=SUNDAY - today.weekday())
        case Until.MONTH:
            return (today.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if chosen is None:
        raise ValueError("A date is needed.")
    return chosen


def get_day_end(day: date, zone: tzinfo) -> datetime:
    """Return the first moment after a day in a time zone, in which midnight may not exist."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def format_until(moment: datetime) -> str:
    """Say until when in the active time zone: “the end of Sun, Dec. 6, 2026”, or with a time of day."""
    local = timezone.localtime(moment)
    if local.time() == time():
        day = local.date() - timedelta(days=1)
        return _("the end of %(day)s") % {"day": format_day(day)}
    return _("%(day)s, %(time)s") % {
        "day": format_day(local.date()),
        "time": date_format(local, "TIME_FORMAT"),
    }


def format_day(day: date) -> str:
    """Format a day with its weekday: “Sun, Dec. 6, 2026”."""
    return f"{date_format(day, 'D')}, {date_format(day, 'DATE_FORMAT')}"
