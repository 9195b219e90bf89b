from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Forecast(models.Model):
    """What a month was expected to cost, as said when it began. The database refuses changes.

    The range is one in which four months out of five should end (budgets.forecasting, ADR 65).
    """

    starts_at = models.DateTimeField(_("month begins"), unique=True)
    ends_at = models.DateTimeField(_("month ends"))
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    # How many days it was made from.
    days = models.PositiveSmallIntegerField(_("days"))
    questions = models.PositiveBigIntegerField(_("questions"))
    tokens = models.PositiveBigIntegerField(_("tokens"))
    microdollars = models.PositiveBigIntegerField(_("dollars"))
    low_microdollars = models.PositiveBigIntegerField(_("dollars, low"))
    high_microdollars = models.PositiveBigIntegerField(_("dollars, high"))

    class Meta:
        verbose_name = _("forecast")
        verbose_name_plural = _("forecasts")
        get_latest_by = "starts_at"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="forecast_ends_after_start"),
            models.CheckConstraint(
                condition=Q(
                    low_microdollars__lte=F("microdollars"), high_microdollars__gte=F("microdollars")
                ),
                name="forecast_within_its_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d}: {self.microdollars}"
