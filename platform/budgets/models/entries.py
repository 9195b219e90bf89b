from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from budgets.models.grants import Grant
from budgets.models.holds import Hold
from budgets.models.periods import Period


class EntryKind(models.TextChoices):
    """How an entry's tokens and money change the sums of its periods."""

    ALLOWANCE = "allowance", _("allowance")  # adds to granted; negative when an allowance shrinks
    GRANT = "grant", _("grant")  # adds to granted; negative when a grant expires
    MOVE = "move", _("moved between shards")  # adds to granted; the entries of one move sum to zero
    HOLD = "hold", _("held")  # adds to held, in every scope of its hold
    SETTLE = "settle", _("settled")  # adds to spent and frees the whole hold
    RELEASE = "release", _("released")  # frees the whole hold
    EXPIRE = "expire", _("expired")  # frees the whole hold
    ABSORB = "absorb", _("paid by the site")  # adds to the site's spent, for a released hold
    OVERRUN = "overrun", _("used beyond a hold")  # changes no sum; recorded on the site's budget


GRANTED_KINDS = (EntryKind.ALLOWANCE, EntryKind.GRANT, EntryKind.MOVE)
RESOLVING_KINDS = (EntryKind.SETTLE, EntryKind.RELEASE, EntryKind.EXPIRE)


class LedgerEntry(models.Model):
    """One event in the ledger. The database refuses changes: a correction is another entry.

    An entry about a hold covers all scopes: the hold names the periods. Other entries name their own period.
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
    microdollars = models.BigIntegerField(_("dollars"), default=0)
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
    """Use beyond a hold, listed for admins. No person's or family's budget pays for it."""

    class Meta:
        proxy = True
        verbose_name = _("overrun")
        verbose_name_plural = _("overruns")
