from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.text import get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from budgets.calendar import PeriodLength
from budgets.models.plans import Plan

# Every hold updates the site's period, so its limit is split among this many rows (ADR 14).
SITE_SHARDS = 16


def format_family_name(number: int, members: Sequence[str]) -> str:
    """Return a family's name for admins: its members' names, or its number while it has none."""
    if not members:
        return str(_("family %(number)s") % {"number": number})
    return str(get_text_list(list(members), gettext("and")))


class BudgetScope(models.TextChoices):
    """Whose budget it is. Each lies within the next."""

    PERSON = "person", _("a person’s")
    FAMILY = "family", _("a family’s")
    SITE = "site", _("the site’s")


class StopReason(models.TextChoices):
    """Why an admin stopped the tutor. Everyone reads it, teens too, so it is chosen and never typed."""

    COST = "cost", _("It has used more than was planned.")
    FAULT = "fault", _("Something isn’t working as it should, and we’re fixing it.")
    SAFETY = "safety", _("We’re checking that its answers are safe.")
    MAINTENANCE = "maintenance", _("We’re working on the site.")
    OTHER = "other", _("The people who run this site have paused it.")


class Budget(models.Model):
    """What a person, a family or the whole site may spend per period.

    Budgets nest: a person's parent is a family's or the site's budget, a family's parent is the site's. A hold takes
    from all of them or from none. A budget outlives its person: the sums stay, without a name.
    """

    scope = models.CharField(
        _("scope"), max_length=6, choices=BudgetScope, default=BudgetScope.PERSON, editable=False
    )
    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="budget",
        verbose_name=_("owner"),
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="children",
        verbose_name=_("parent budget"),
    )
    tokens = models.PositiveBigIntegerField(
        _("tokens per period"), null=True, blank=True, help_text=_("Leave empty for no limit.")
    )
    microdollars = models.PositiveBigIntegerField(
        _("dollars per period"),
        null=True,
        blank=True,
        help_text=_("Leave empty for no limit."),
    )
    period_length = models.CharField(
        _("period"), max_length=5, choices=PeriodLength, default=PeriodLength.DAY
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("Leave empty for the site’s default time zone."),
    )
    # A person's limits come from their plan (null means Free) and the daily cap that their family agreed on.
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="budgets", verbose_name=_("plan")
    )
    daily_cap = models.PositiveBigIntegerField(_("daily token cap"), null=True, blank=True, editable=False)
    # Only for the site's budget.
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("stopped by"),
    )
    stop_reason = models.CharField(_("reason"), max_length=11, choices=StopReason, blank=True, editable=False)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=BudgetScope.values), name="budget_scope_known"),
            models.CheckConstraint(
                condition=Q(period_length__in=PeriodLength.values), name="budget_period_length_known"
            ),
            models.UniqueConstraint(
                fields=["scope"], condition=Q(scope=BudgetScope.SITE), name="budget_one_site"
            ),
            models.CheckConstraint(
                condition=Q(scope=BudgetScope.SITE, parent=None)
                | (~Q(scope=BudgetScope.SITE) & Q(parent__isnull=False)),
                name="budget_parent_unless_site",
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="budget_not_its_own_parent"),
            models.CheckConstraint(
                condition=Q(scope=BudgetScope.PERSON) | Q(owner=None, plan=None, daily_cap=None),
                name="budget_person_alone_has_owner_and_plan",
            ),
            models.CheckConstraint(
                condition=Q(scope=BudgetScope.SITE) | Q(stopped_at=None), name="budget_site_alone_stops"
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None, stop_reason="", stopped_by=None)
                | Q(stopped_at__isnull=False, stop_reason__in=StopReason.values),
                name="budget_stopped_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        if self.scope == BudgetScope.SITE:
            return str(_("the site"))
        if self.scope == BudgetScope.FAMILY:
            return self.family_name
        return str(self.owner) if self.owner else str(_("deleted account"))

    @cached_property
    def family_name(self) -> str:
        """The members’ names, as “Ana and Noor”. A list sets it for all its rows (name_families)."""
        members = self.children.filter(owner__isnull=False).select_related("owner").order_by("pk")
        return format_family_name(self.pk, [str(child.owner) for child in members])

    @property
    def zone(self) -> ZoneInfo:
        if self.time_zone:
            return ZoneInfo(self.time_zone)
        return self.owner.zone if self.owner else ZoneInfo(settings.DEFAULT_PERSON_TIME_ZONE)

    @property
    def shards(self) -> int:
        """The number of rows in each of its periods."""
        return SITE_SHARDS if self.scope == BudgetScope.SITE else 1

    @property
    def chain(self) -> list["Budget"]:
        """This budget and its parents, innermost first, which is also the lock order."""
        return [self, *(self.parent.chain if self.parent else ())]
