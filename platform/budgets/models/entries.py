from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.grants import Grant
from budgets.models.holds import Hold
from budgets.models.periods import Period


class EntryKind(models.TextChoices):
    """What an entry's tokens and money do to the sums of its periods."""

    ALLOWANCE = "allowance", _("allowance")  # granted + tokens; less than nothing when an allowance shrinks
    GRANT = "grant", _("grant")  # granted + tokens, of a grant; less than nothing when it expires
    MOVE = "move", _("moved between shards")  # granted + tokens; all of a move come to nothing
    HOLD = "hold", _("held")  # held + tokens, on every floor of its hold
    SETTLE = "settle", _("settled")  # spent + tokens; all that its hold held is free again
    RELEASE = "release", _("released")  # all that its hold held is free again
    EXPIRE = "expire", _("expired")  # the same
    ABSORB = "absorb", _("paid by the site")  # spent + tokens, on the site's period alone, of a released hold
    OVERRUN = "overrun", _("used beyond a hold")  # no sum: it stands apart, on the site's budget


GRANTED_KINDS = (EntryKind.ALLOWANCE, EntryKind.GRANT, EntryKind.MOVE)
RESOLVING_KINDS = (EntryKind.SETTLE, EntryKind.RELEASE, EntryKind.EXPIRE)


class LedgerEntry(models.Model):
    """One thing that happened. It never changes: the database refuses; a correction is another entry.

    An entry about a hold is one for all floors: its hold names the periods. Other entries name theirs.
    """

    period = models.ForeignKey(
        Period,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="entries",
        verbose_name=_("period"),
    )
    hold = models.ForeignKey(
        Hold,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="entries",
        verbose_name=_("hold"),
    )
    grant = models.ForeignKey(
        Grant,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="entries",
        verbose_name=_("grant"),
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
                condition=Q(kind__in=GRANTED_KINDS, period__isnull=False) | Q(hold__isnull=False),
                name="entry_names_its_hold",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=GRANTED_KINDS) | Q(tokens__gte=0, microdollars__gte=0),
                name="entry_tokens_not_negative",
            ),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(kind=EntryKind.HOLD), name="entry_holds_once"
            ),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(kind__in=RESOLVING_KINDS), name="entry_resolves_once"
            ),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(kind=EntryKind.ABSORB), name="entry_absorbs_once"
            ),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(kind=EntryKind.OVERRUN), name="entry_overruns_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["period"], condition=Q(kind__in=GRANTED_KINDS), name="entry_about_granted"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.tokens}"


class Overrun(LedgerEntry):
    """What a provider used beyond a hold: an admin's list of alerts. No person's or family's budget pays for it."""

    class Meta:
        proxy = True
        verbose_name = _("overrun")
        verbose_name_plural = _("overruns")
