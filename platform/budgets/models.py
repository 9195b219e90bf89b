"""The token ledger: budgets, their days, the holds on them, and the entries that tell what happened.

Entries are the truth. A period's sums are kept beside them for speed, and `audit_budgets` compares the two.
Only this app writes these tables.
"""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.days import Day


def default_daily_tokens() -> int:
    return int(settings.TUTOR_DAILY_TOKENS)


class Budget(models.Model):
    """What one person may spend a day. It outlives its person: the sums stay, without a name."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="budget",
        verbose_name=_("owner"),
    )
    daily_tokens = models.PositiveIntegerField(_("tokens a day"), default=default_daily_tokens)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")

    def __str__(self) -> str:
        return str(self.owner) if self.owner else str(_("somebody erased"))


class Period(models.Model):
    """One day of a budget. `spent + held <= granted` at all times; the database sees to it."""

    budget = models.ForeignKey(
        Budget, on_delete=models.PROTECT, db_index=False, related_name="periods", verbose_name=_("budget")
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    granted = models.BigIntegerField(_("granted"), help_text=_("tokens"))
    spent = models.BigIntegerField(_("spent"), default=0, help_text=_("tokens"))
    held = models.BigIntegerField(_("held"), default=0, help_text=_("tokens"))
    spent_microdollars = models.BigIntegerField(_("spent, in millionths of a dollar"), default=0)

    class Meta:
        verbose_name = _("day")
        verbose_name_plural = _("days")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["budget", "starts_at"], name="period_starts_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="period_ends_after_start"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="period_spent_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="period_held_not_negative"),
            models.CheckConstraint(
                condition=Q(granted__gte=F("spent") + F("held")), name="period_never_overdrawn"
            ),
            models.CheckConstraint(
                condition=Q(spent_microdollars__gte=0), name="period_microdollars_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget}, {self.starts_at:%Y-%m-%d}"

    @property
    def left(self) -> int:
        """Tokens that are neither spent nor held."""
        return self.granted - self.spent - self.held

    @property
    def day(self) -> Day:
        return Day(self.starts_at, self.ends_at)

    def is_open(self, now: datetime) -> bool:
        """Whether holds made at `now` belong here, if this is its budget's last day.

        The start is not asked: where two machines' clocks differ, the day that has begun goes on.
        """
        return now < self.ends_at


class HoldState(models.TextChoices):
    HELD = "held", _("held")
    SETTLED = "settled", _("settled")
    RELEASED = "released", _("released")
    EXPIRED = "expired", _("expired")


class Hold(models.Model):
    """Tokens set aside for one piece of work until it is known what it cost. It resolves once.

    `key` is the work's own id (a turn's), so that asking for the same hold twice makes one.
    """

    key = models.UUIDField(_("key"), primary_key=True, editable=False)
    period = models.ForeignKey(
        Period, on_delete=models.PROTECT, db_index=False, related_name="holds", verbose_name=_("day")
    )
    prompt_tokens = models.PositiveIntegerField(_("tokens for the prompt"))
    answer_tokens = models.PositiveIntegerField(_("tokens for the answer"))
    tokens = models.GeneratedField(
        verbose_name=_("tokens in all"),
        expression=F("prompt_tokens") + F("answer_tokens"),
        output_field=models.PositiveIntegerField(),
        db_persist=True,
    )
    state = models.CharField(_("state"), max_length=10, choices=HoldState, default=HoldState.HELD)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
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


class EntryKind(models.TextChoices):
    """What an entry's tokens do to its period's sums."""

    GRANT = "grant", _("granted")  # granted + tokens; less than nothing when an allowance shrinks
    HOLD = "hold", _("held")  # held + tokens
    SETTLE = "settle", _("settled")  # spent + tokens, held - tokens
    RETURN = "return", _("left over from a settled hold")  # held - tokens
    RELEASE = "release", _("released")  # held - tokens
    EXPIRE = "expire", _("expired")  # held - tokens
    OVERRUN = "overrun", _("used beyond a hold")  # neither: no person pays for it


class Entry(models.Model):
    """One thing that happened. It never changes: the database refuses; a correction is another entry."""

    period = models.ForeignKey(
        Period, on_delete=models.PROTECT, db_index=False, related_name="entries", verbose_name=_("day")
    )
    hold = models.ForeignKey(
        Hold,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="entries",
        verbose_name=_("hold"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=EntryKind)
    tokens = models.BigIntegerField(_("tokens"))
    microdollars = models.BigIntegerField(_("millionths of a dollar"), default=0)
    at = models.DateTimeField(_("at"), default=timezone.now)
    memo = models.CharField(_("memo"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="entry_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.GRANT) | Q(hold__isnull=False), name="entry_names_its_hold"
            ),
            models.CheckConstraint(
                condition=Q(kind=EntryKind.GRANT) | Q(tokens__gte=0), name="entry_tokens_not_negative"
            ),
            models.UniqueConstraint(fields=["hold", "kind"], name="entry_once_a_hold"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.tokens}"
