"""What people thought of it. It goes with their sign-up, thirty days after the event."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.models.sign_up import SignUp

MAX_COMMENT_LENGTH = 1000


class Worth(models.TextChoices):
    YES = "yes", _("Yes")
    PARTLY = "partly", _("In part")
    NO = "no", _("No")


class Feedback(models.Model):
    """Two answers of one person."""

    sign_up = models.OneToOneField(
        SignUp, on_delete=models.CASCADE, related_name="feedback", verbose_name=_("sign-up")
    )
    worth = models.CharField(_("worth the time"), max_length=10, choices=Worth)
    words = models.TextField(_("for next time"), max_length=MAX_COMMENT_LENGTH, blank=True)
    created_at = models.DateTimeField(_("said"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(worth__in=Worth.values), name="feedback_worth_known")
        ]

    def __str__(self) -> str:
        return self.get_worth_display()
