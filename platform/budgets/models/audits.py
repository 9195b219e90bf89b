from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Audit(models.Model):
    """The result of one comparison of the ledger's sums with its entries."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    entries = models.PositiveBigIntegerField(_("entries"))
    differences = models.PositiveIntegerField(_("differences"))
    first = ArrayField(models.TextField(), verbose_name=_("first differences"), default=list)

    class Meta:
        verbose_name = _("audit")
        verbose_name_plural = _("audits")
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.differences}"
