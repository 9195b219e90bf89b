from collections.abc import Sequence

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from budgets.calendar import PeriodLength
from kit.memory_policy import MemoryPolicy

# The default memory: five to ten questions and answers, and notes. ADR 53 has the measurements.
MEMORY_TOKENS = 1100
# With less, one long answer would be all that is remembered.
MIN_MEMORY_TOKENS = 300


def default_daily_tokens() -> int:
    """Return the daily tokens of the Free plan until an admin changes it."""
    return int(settings.TUTOR_DAILY_TOKENS)


class Plan(models.Model):
    """What a person gets: an allowance, an answer limit, models, and how much of a conversation is remembered."""

    FREE = "free"
    PRO = "pro"

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=80)
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
    answer_tokens = models.PositiveIntegerField(
        _("answer limit, in tokens"),
        null=True,
        blank=True,
        help_text=_("Leave empty for the site’s own limit."),
    )
    memory_policy = models.CharField(
        _("memory"), max_length=10, choices=MemoryPolicy, default=MemoryPolicy.NOTES
    )
    memory_tokens = models.PositiveIntegerField(
        _("memory, in tokens"),
        default=MEMORY_TOKENS,
        validators=[MinValueValidator(MIN_MEMORY_TOKENS)],
        help_text=_("Of the latest questions and answers and the notes together. “Everything” has no limit."),
    )
    answers_per_hour = models.PositiveSmallIntegerField(
        _("answers an hour before answers get shorter"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Someone who asks faster than this gets short answers until the hour is over. Leave empty for no limit. "
            "Help in a crisis is never limited."
        ),
    )
    tutor_models = models.ManyToManyField(
        "routing.TutorModel",
        verbose_name=_("models"),
        blank=True,
        related_name="plans",
        help_text=_("Leave empty for every model. Local models answer when none of these can."),
    )

    # The ids of `tutor_models`. Set by budgets.selectors.get_plan.
    model_ids: Sequence[int] = ()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")

    def __str__(self) -> str:
        return self.name


def build_default_plan() -> Plan:
    """Return the unsaved default Free plan, which applies until the plans are loaded."""
    return Plan(slug=Plan.FREE, name=gettext("Free"), tokens=default_daily_tokens())
