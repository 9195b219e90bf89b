"""A person's own calendar feed."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit.languages import get_page_language
from kit.tokens import generate_token


class CalendarFeed(models.Model):
    """A private link to a person's events. Anyone with its token can read them, until a new one is created."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="calendar_feed",
        verbose_name=_("person"),
    )
    token = models.CharField(_("token"), max_length=40, unique=True, default=generate_token, editable=False)
    # The language of the page where it was created: calendar apps do not send the reader's.
    language = models.CharField(_("language"), max_length=10, default=get_page_language, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")

    def __str__(self) -> str:
        return str(self.person)
