from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from budgets.models.budgets import Budget


class Period(models.Model):
    """A day, week or month of a budget, or one shard of the site's.

    The database enforces `spent + held <= granted` for tokens and for money, where they are limited.
    """

    budget = models.ForeignKey(
        Budget, on_delete=models.PROTECT, db_index=False, related_name="periods", verbose_name=_("budget")
    )
    shard = models.PositiveSmallIntegerField(_("shard"), default=0)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    # The period's end or the expiry of its next grant. Until then this row is all that a hold has to check.
    recheck_at = models.DateTimeField(_("recheck at"))
    limits_tokens = models.BooleanField(_("tokens are limited"), default=True)
    # The allowance and the grants, without what expired; of one shard, with what was moved between shards.
    granted = models.BigIntegerField(_("granted"), default=0, help_text=_("tokens"))
    spent = models.BigIntegerField(_("spent"), default=0, help_text=_("tokens"))
    held = models.BigIntegerField(_("held"), default=0, help_text=_("tokens"))
    limits_microdollars = models.BooleanField(_("money is limited"), default=False)
    granted_microdollars = models.BigIntegerField(_("dollars granted"), default=0)
    spent_microdollars = models.BigIntegerField(_("dollars spent"), default=0)
    held_microdollars = models.BigIntegerField(_("dollars held"), default=0)

    class Meta:
        verbose_name = _("period")
        verbose_name_plural = _("periods")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["budget", "shard", "starts_at"], name="period_starts_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="period_ends_after_start"),
            models.CheckConstraint(
                condition=Q(recheck_at__lte=F("ends_at")), name="period_rechecked_by_its_end"
            ),
            models.CheckConstraint(condition=Q(spent__gte=0), name="period_spent_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="period_held_not_negative"),
            models.CheckConstraint(
                condition=Q(limits_tokens=False) | Q(granted__gte=F("spent") + F("held")),
                name="period_never_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(spent_microdollars__gte=0), name="period_microdollars_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(held_microdollars__gte=0), name="period_held_microdollars_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(limits_microdollars=False)
                | Q(granted_microdollars__gte=F("spent_microdollars") + F("held_microdollars")),
                name="period_microdollars_never_overdrawn",
            ),
        ]
        indexes: ClassVar = [
            # The desk's lists of open periods. A hold never changes it.
            models.Index(fields=["ends_at"], name="period_end"),
        ]

    def __str__(self) -> str:
        return f"{self.budget}, {self.starts_at:%Y-%m-%d}"

    @property
    def left(self) -> int:
        """Tokens that are neither spent nor held."""
        return self.granted - self.spent - self.held

    @property
    def left_microdollars(self) -> int:
        """Micro-dollars that are neither spent nor held."""
        return self.granted_microdollars - self.spent_microdollars - self.held_microdollars

    def is_open(self, now: datetime) -> bool:
        """Return whether a hold at `now` belongs to this period, if it is the budget's latest.

        The start is not checked: clocks may differ between machines, and a period that has started stays open.
        """
        return now < self.ends_at
