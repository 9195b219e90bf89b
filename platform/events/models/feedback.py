"""Feedback on an event. It is deleted with the sign-up, 30 days after the event."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.models.sign_up import SignUp

MAX_COMMENT_LENGTH = 1000


class FeedbackWorth(models.TextChoices):
    """Whether the event was worth the person's time."""

    YES = "yes", _("Yes")
    PARTLY = "partly", _("Partly")
    NO = "no", _("No")


class Feedback(models.Model):
    """One person's answers to the two feedback questions."""

    sign_up = models.OneToOneField(
        SignUp, on_delete=models.CASCADE, related_name="feedback", verbose_name=_("sign-up")
    )
    worth = models.CharField(_("worth your time"), max_length=10, choices=FeedbackWorth)
    comment = models.TextField(_("for next time"), max_length=MAX_COMMENT_LENGTH, blank=True)
    created_at = models.DateTimeField(_("given"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(worth__in=FeedbackWorth.values), name="feedback_worth_known"
            )
        ]

    def __str__(self) -> str:
        return self.get_worth_display()
