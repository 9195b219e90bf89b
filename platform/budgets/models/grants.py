from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.budgets import Budget


class GrantBatch(models.Model):
    """A file of grants: uploaded, looked at, and then given once or never.

    `digest` is of what the rows say, so a file is recognized however it was saved. `content` is kept only until the
    grants are given or the file is too old to be given.
    """

    digest = models.CharField(max_length=64, editable=False)
    file_name = models.CharField(_("file"), max_length=200, editable=False)
    content = models.TextField(editable=False)
    row_count = models.PositiveIntegerField(_("rows"), editable=False)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now, editable=False)
    given_at = models.DateTimeField(_("given"), null=True, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    class Meta:
        verbose_name = _("file of grants")
        verbose_name_plural = _("files of grants")
        constraints = [
            models.UniqueConstraint(
                fields=["digest"], condition=Q(given_at__isnull=False), name="grant_batch_given_once"
            ),
            models.CheckConstraint(
                condition=Q(given_at=None) | Q(content=""), name="grant_batch_keeps_no_names"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class Grant(models.Model):
    """A one-time extra on a budget, until it is used up or expires.

    A period uses its allowance first, then its grants by expiry. What is left of a grant carries over into the next
    period.
    """

    budget = models.ForeignKey(
        Budget, on_delete=models.PROTECT, related_name="grants", verbose_name=_("budget")
    )
    tokens = models.PositiveBigIntegerField(_("tokens"), default=0)
    microdollars = models.PositiveBigIntegerField(_("dollars"), default=0)
    reason = models.CharField(_("reason"), max_length=200)
    batch = models.ForeignKey(
        "budgets.GrantBatch",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="grants",
        verbose_name=_("file"),
    )
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("given by"),
    )
    given_at = models.DateTimeField(_("given"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    # As of `counted_period_start`. How much a period used of a grant is known when the period or the grant ends.
    left_tokens = models.PositiveBigIntegerField(_("tokens left"), editable=False)
    left_microdollars = models.PositiveBigIntegerField(_("dollars left"), editable=False)
    # The start of the period that it is counted into; null before the first.
    counted_period_start = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.CheckConstraint(
                condition=Q(tokens__gt=0) | Q(microdollars__gt=0), name="grant_of_something"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("given_at")), name="grant_expires_later"),
            models.CheckConstraint(
                condition=Q(left_tokens__lte=F("tokens"), left_microdollars__lte=F("microdollars")),
                name="grant_left_at_most_all",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(closed_at=None), name="grant_open"),
        ]

    def __str__(self) -> str:
        return f"{self.budget}: {self.reason}"
