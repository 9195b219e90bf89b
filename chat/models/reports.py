"""Reports about turns, and how many there were."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.turns import MAX_COMMENT_LENGTH, MAX_NAME_LENGTH, Turn
from guard import Action, Level


class ReportReason(models.TextChoices):
    """What is wrong with an answer, according to its reporter."""

    WRONG = "wrong", _("It’s wrong")
    UNKIND = "unkind", _("It’s unkind")
    UNSAFE = "unsafe", _("It’s unsafe")
    OTHER = "other", _("Something else")


LEVEL_CHOICES = [(level.value, level.value) for level in Level]
ACTION_LABELS = {
    Action.CARD: _("help card"),
    Action.PAUSE: _("pause"),
    Action.REFUSE: _("refusal"),
    Action.REDIRECT: _("redirect"),
    Action.SUPPORT: _("support"),
    Action.REDACT: _("personal data removed"),
    Action.ANSWER: _("answer"),
}


class Report(models.Model):
    """A report that an answer is bad, or that a card, a pause or a refusal misread the asker.

    Without `shared_at` the row only records that the turn was reported, so that it is counted once: reason and comment
    are empty, and staff cannot see it. With `shared_at` the reporter has agreed that staff may read this turn to check
    the guard. `correct_level` and `correct_action` are what the guard should have said, as judged by staff.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.OneToOneField(Turn, on_delete=models.CASCADE, related_name="report")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    reason = models.CharField(_("reason"), max_length=10, choices=ReportReason, blank=True)
    comment = models.TextField(_("comment"), max_length=MAX_COMMENT_LENGTH, blank=True)
    shared_at = models.DateTimeField(_("shared"), null=True, blank=True)
    correct_level = models.CharField(_("correct level"), max_length=1, choices=LEVEL_CHOICES, blank=True)
    correct_action = models.CharField(_("correct action"), max_length=10, choices=ACTION_LABELS, blank=True)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes = [models.Index(fields=["created_at"], name="report_made")]
        constraints = [
            models.CheckConstraint(
                condition=Q(shared_at__isnull=False)
                | Q(reason="", comment="", correct_level="", correct_action=""),
                name="report_says_only_what_is_shared",
            )
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class ReportCount(models.Model):
    """How many reports there were in a month, by what the guard had decided. It holds no personal data.

    A turn with several categories is counted once in each.
    """

    # The first day of the month.
    month = models.DateField(_("month"))
    action = models.CharField(_("action taken"), max_length=10)
    layer = models.CharField(_("layer"), max_length=MAX_NAME_LENGTH, blank=True)
    category = models.CharField(_("category"), max_length=MAX_NAME_LENGTH, blank=True)
    reason = models.CharField(_("reason"), max_length=10, choices=ReportReason, blank=True)
    count = models.PositiveIntegerField(_("count"), default=0)

    class Meta:
        verbose_name = _("report count")
        verbose_name_plural = _("report counts")
        constraints = [
            models.UniqueConstraint(
                fields=["month", "action", "layer", "category", "reason"], name="report_counted_in_one_row"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.action} {self.category}"
