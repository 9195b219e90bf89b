from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.budgets import BudgetScope
from budgets.models.periods import Period


class HoldState(models.TextChoices):
    """A hold is held, and then resolved in one of three ways."""

    HELD = "held", _("held")
    SETTLED = "settled", _("settled")
    RELEASED = "released", _("released")
    EXPIRED = "expired", _("expired")


@dataclass(frozen=True)
class AnswerShortening:
    """Why an answer is shortened: whose budget has too little left, and when it refills."""

    scope: BudgetScope
    refills_at: datetime


class Hold(models.Model):
    """Tokens and money set aside for one piece of work until its cost is known. It resolves once.

    `key` is the id of the work (a turn), so creating the same hold twice creates one. It covers a period in every
    scope. The database allows only `state` and `resolved_at` to change.
    """

    # Why the answer is shortened. Set by create_hold and not stored.
    shortened_by: "AnswerShortening | None" = None

    key = models.UUIDField(_("key"), primary_key=True, editable=False)
    period = models.ForeignKey(
        Period, on_delete=models.PROTECT, db_index=False, related_name="holds", verbose_name=_("period")
    )
    family_period = models.ForeignKey(
        Period,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("family period"),
    )
    # Null if the hold was made before the site had a budget.
    site_period = models.ForeignKey(
        Period,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("site period"),
    )
    prompt_tokens = models.PositiveIntegerField(_("tokens for the prompt"))
    answer_tokens = models.PositiveIntegerField(_("tokens for the answer"))
    tokens = models.GeneratedField(
        verbose_name=_("total tokens"),
        expression=F("prompt_tokens") + F("answer_tokens"),
        output_field=models.PositiveIntegerField(),
        db_persist=True,
    )
    microdollars = models.PositiveBigIntegerField(_("dollars"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=HoldState, default=HoldState.HELD)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    resolved_at = models.DateTimeField(_("resolved"), null=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=HoldState.values), name="hold_state_known"),
            models.CheckConstraint(
                condition=Q(state=HoldState.HELD, resolved_at=None)
                | Q(~Q(state=HoldState.HELD), resolved_at__isnull=False),
                name="hold_resolved_with_its_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=Q(state=HoldState.HELD), name="hold_open"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.get_state_display()})"
