from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from budgets.calendar import PeriodLength
from budgets.models.plans import Plan

# Every hold updates the site's period, so its limit is split among this many rows (ADR 14).
SITE_SHARDS = 16


class BudgetScope(models.TextChoices):
    """Whose budget it is. Each lies within the next."""

    PERSON = "person", _("a person’s")
    FAMILY = "family", _("a family’s")
    SITE = "site", _("the site’s")


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
        _("millionths of a dollar per period"),
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
        ]

    def __str__(self) -> str:
        if self.scope == BudgetScope.SITE:
            return str(_("the site"))
        if self.scope == BudgetScope.FAMILY:
            return str(_("family %(number)s") % {"number": self.pk})
        return str(self.owner) if self.owner else str(_("deleted account"))

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
