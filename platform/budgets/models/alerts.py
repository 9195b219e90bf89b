from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.budgets import Budget


class AlertKind(models.TextChoices):
    """How far a budget is used up in its period."""

    MOSTLY_USED = "80", _("80% used")
    USED_UP = "100", _("used up")
    TOO_FAST = "pace", _("runs out early at this pace")


class BudgetAlert(models.Model):
    """A warning about the site's or a family's budget. The database allows one of a kind in a period."""

    budget = models.ForeignKey(
        Budget, on_delete=models.PROTECT, related_name="alerts", verbose_name=_("budget")
    )
    kind = models.CharField(_("what"), max_length=4, choices=AlertKind)
    period_starts_at = models.DateTimeField(_("period from"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    # What was spent and granted then, in the unit of which less was left.
    unit = models.CharField(max_length=12)
    spent = models.BigIntegerField(_("spent"))
    granted = models.BigIntegerField(_("granted"))
    # When it runs out at its pace; only for TOO_FAST.
    runs_out_at = models.DateTimeField(_("runs out"), null=True)

    class Meta:
        verbose_name = _("budget alert")
        verbose_name_plural = _("budget alerts")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_known"),
            models.CheckConstraint(condition=Q(unit__in=["tokens", "microdollars"]), name="alert_unit_known"),
            models.UniqueConstraint(
                fields=["budget", "period_starts_at", "kind"], name="alert_once_in_a_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget}: {self.get_kind_display()}"
