from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from budgets.calendar import PeriodLength

ANY_MODEL = "any"


def default_model_names() -> list[str]:
    return [ANY_MODEL]


def default_daily_tokens() -> int:
    """What Free gives until an admin changes it."""
    return int(settings.TUTOR_DAILY_TOKENS)


class Plan(models.Model):
    """What a person is given: how much, how long an answer, which models, how much of the past is remembered."""

    FREE = "free"
    PRO = "pro"

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=80)
    tokens = models.PositiveBigIntegerField(
        _("tokens a period"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    microdollars = models.PositiveBigIntegerField(
        _("millionths of a dollar a period"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    period_length = models.CharField(
        _("period"), max_length=5, choices=PeriodLength, default=PeriodLength.DAY
    )
    answer_tokens = models.PositiveIntegerField(
        _("longest answer, in tokens"),
        null=True,
        blank=True,
        help_text=_("Empty: as long as the site allows."),
    )
    model_names = ArrayField(
        models.CharField(max_length=200),
        verbose_name=_("models"),
        default=default_model_names,
        help_text=_("Names of models, by comma; “any” stands for every model."),
    )
    memory_tokens = models.PositiveIntegerField(
        _("memory, in tokens"),
        default=600,
        help_text=_("How much of a conversation is carried on; 0 is none."),
    )

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.name

    def allows(self, model: str) -> bool:
        """Whether a person on this plan may be answered by a model of this name."""
        return ANY_MODEL in self.model_names or model in self.model_names


def build_default_plan() -> Plan:
    """Free as it comes with the site, not saved: what everybody is on until the plans are loaded."""
    return Plan(slug=Plan.FREE, name=gettext("Free"), tokens=default_daily_tokens())
