from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.budgets import Budget
from budgets.models.holds import Hold
from budgets.models.plans import Plan


class UsageRecord(models.Model):
    """What the work of one hold used and cost: which model did it, on which plan, and how much of it was memory.

    It describes the hold's settle, absorb and overrun entries and equals their sum, which `audit_budgets` checks. It
    is written with them and never changes. It outlives the turn, and has none of its text.
    """

    hold = models.OneToOneField(
        Hold, on_delete=models.PROTECT, primary_key=True, related_name="usage", verbose_name=_("hold")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)
    # The person's budget. It outlives its owner, without a name.
    budget = models.ForeignKey(
        Budget, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("budget")
    )
    # The plan of that time; null for Free.
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, null=True, db_index=False, related_name="+", verbose_name=_("plan")
    )
    model = models.CharField(_("model"), max_length=200, blank=True)
    is_local = models.BooleanField(_("local"))
    memory_policy = models.CharField(_("memory"), max_length=10, blank=True)
    is_absorbed = models.BooleanField(_("paid by the site"))
    tokens = models.BigIntegerField(_("tokens"))
    prompt_tokens = models.BigIntegerField(_("tokens of the prompt"))
    question_tokens = models.BigIntegerField(_("tokens of the question"))
    memory_tokens = models.BigIntegerField(_("tokens of memory"))
    cached_tokens = models.BigIntegerField(_("cached tokens"))
    microdollars = models.BigIntegerField(_("dollars"))
    prompt_microdollars = models.BigIntegerField(_("dollars for the prompt"))
    memory_microdollars = models.BigIntegerField(_("dollars for memory"))

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        indexes: ClassVar = [models.Index(fields=["at"], name="usage_by_time")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    question_tokens__gte=0,
                    memory_tokens__range=(0, F("prompt_tokens") - F("question_tokens")),
                    cached_tokens__range=(0, F("prompt_tokens")),
                    prompt_tokens__range=(0, F("tokens")),
                    memory_microdollars__range=(0, F("prompt_microdollars")),
                    prompt_microdollars__range=(0, F("microdollars")),
                ),
                name="usage_parts_within_the_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.tokens}"
