from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.budgets import Budget
from budgets.models.grants import Grant
from budgets.models.plans import Plan


class ChangeKind(models.TextChoices):
    """What an admin or a family changed."""

    PLAN_ASSIGNED = "assigned", _("a person’s plan")
    ALLOWANCE = "allowance", _("an allowance")
    CAP = "cap", _("a family’s daily limit")
    PLAN = "plan", _("a plan")
    GRANT = "grant", _("a grant")
    STOP = "stop", _("stopped")
    START = "start", _("started again")


class BudgetChange(models.Model):
    """One change of a plan, an allowance, a grant or the stop: who, when, and the values before and after.

    The database refuses changes. Only the admin's name and the note go, when a person is erased. `before` and `after`
    have amounts in tokens and micro-dollars, and no names of people.
    """

    at = models.DateTimeField(_("at"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("by"),
    )
    kind = models.CharField(_("what"), max_length=9, choices=ChangeKind)
    budget = models.ForeignKey(
        Budget, on_delete=models.PROTECT, null=True, related_name="changes", verbose_name=_("budget")
    )
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, null=True, related_name="changes", verbose_name=_("plan")
    )
    grant = models.OneToOneField(
        Grant, on_delete=models.PROTECT, null=True, related_name="change", verbose_name=_("grant")
    )
    before = models.JSONField(_("before"), default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), default=dict, encoder=DjangoJSONEncoder)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes of budgets")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="change_kind_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["-at"], name="change_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"
