"""A family's accounts that are to be erased."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PERSON = settings.AUTH_USER_MODEL


class FamilyErasure(models.Model):
    """A parent asked for the family's accounts to be erased. It waits some days; see families.erasing."""

    parent = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="family_erasure")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    # The teens who decide for themselves, and said yes.
    agreed = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")

    class Meta:
        verbose_name = _("erasure of a family")
        verbose_name_plural = _("erasures of families")

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d}"
