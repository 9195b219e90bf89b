"""The times at which a model gave no answers."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing.models import TutorModel


class ModelOutage(models.Model):
    """A time in which a model's server gave no answers. At most one row of each model has no `ended_at`.

    An outage begins with the first failure after an answer, and counts once it is declared (chat.turns.outages). It is
    deleted if it ends before that.
    """

    model = models.ForeignKey(
        TutorModel, on_delete=models.CASCADE, related_name="outages", verbose_name=_("model")
    )
    began_at = models.DateTimeField(_("began"), default=timezone.now)
    declared_at = models.DateTimeField(_("declared"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    last_failure_at = models.DateTimeField(_("last failure"), default=timezone.now)
    # The EndReason of the last turn that failed in this outage.
    end_reason = models.CharField(_("reason"), max_length=20)
    failed_answers = models.PositiveIntegerField(_("failed answers"), default=1)
    failed_probes = models.PositiveIntegerField(_("failed probes"), default=0)

    # Not a column: whether the server answered the last probe.
    is_reachable = False

    class Meta:
        verbose_name = _("model outage")
        verbose_name_plural = _("model outages")
        ordering = ["-began_at"]
        indexes = [models.Index(fields=["began_at"], name="outage_open", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"
