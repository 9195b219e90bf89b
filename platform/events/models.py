"""Live events, and who comes. A sign-up is a name and an address, kept until thirty days after the event."""

import secrets
import uuid
import zoneinfo
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import default_time_zone, validate_time_zone

LONGEST_NAME = 60
LONGEST_EMAIL = 254  # RFC 5321's longest path, without its brackets


def validate_slug(slug: str) -> None:
    """Raise ValidationError for the one word that the addresses of this room use themselves."""
    if slug == "place":
        raise ValidationError(_("“place” is taken by the pages of the people who signed up."))


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Event(models.Model):
    """Something live and online. Its start is an instant; its zone is the one whose clock people were told."""

    slug = models.SlugField(
        _("address"),
        max_length=80,
        unique=True,
        validators=[validate_slug],
        help_text=_(
            "The last part of its page’s address. Mails that were sent point there: better not change it."
        ),
    )
    title = models.CharField(_("title"), max_length=120)
    summary = models.CharField(
        _("summary"), max_length=300, help_text=_("One or two sentences, for the list.")
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("Plain text. An empty line begins a paragraph.")
    )
    starts_at = models.DateTimeField(_("starts"))
    time_zone = models.CharField(
        _("time zone"), max_length=60, default=default_time_zone, validators=[validate_time_zone]
    )
    minutes = models.PositiveSmallIntegerField(
        _("minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty where a past event’s length is not known."),
    )
    is_published = models.BooleanField(_("published"), default=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    # The revision that calendars were last told of: it rises with every change of what they show (RFC 5546).
    sequence = models.PositiveIntegerField(_("revision"), default=0, editable=False)
    # A slug and no foreign key: courses stand above this room.
    module_slug = models.SlugField(
        _("module"), max_length=80, blank=True, help_text=_("The address of the course module it belongs to.")
    )
    join_url = models.URLField(
        _("link to join"),
        blank=True,
        help_text=_("Shown only on the personal pages of people who signed up."),
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(minutes=None) | Q(minutes__gt=0), name="event_minutes_more_than_none"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["starts_at"], name="event_starts")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("events:event", args=[self.slug])

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def starts_local(self) -> datetime:
        """The start on the clock of the event's own zone."""
        return self.starts_at.astimezone(self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """When it ends; None where its length is not known."""
        return None if self.minutes is None else self.starts_at + timedelta(minutes=self.minutes)

    def is_over_at(self, now: datetime) -> bool:
        """Whether it has ended by `now`. One whose length is not known is over once it has begun."""
        return (self.ends_at or self.starts_at) <= now

    @property
    def is_over(self) -> bool:
        return self.is_over_at(timezone.now())

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None

    def is_open_at(self, now: datetime) -> bool:
        """Whether people may still sign up at `now`."""
        return not self.is_cancelled and not self.is_over_at(now)

    @property
    def is_open(self) -> bool:
        return self.is_open_at(timezone.now())

    @property
    def has_calendar(self) -> bool:
        """Whether there is a calendar file: for what is still to come, and whose end is known."""
        return self.minutes is not None and self.is_open


class SignUp(models.Model):
    """One address's place at one event. Its token is the whole of its rights: to see it and to leave."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="sign_ups", verbose_name=_("event")
    )
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    email = models.EmailField(_("email"), max_length=LONGEST_EMAIL)
    token = models.CharField(_("token"), max_length=40, unique=True, default=new_token, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="event_sign_ups",
        verbose_name=_("person"),
    )
    created_at = models.DateTimeField(_("signed up"), default=timezone.now, editable=False)
    # A confirmation may be asked for again; the count makes each one a mail of its own.
    confirmations = models.PositiveSmallIntegerField(_("confirmations"), default=0, editable=False)
    confirmed_at = models.DateTimeField(_("last confirmation"), null=True, editable=False)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), "event", name="sign_up_once_an_address"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.event}"

    def get_absolute_url(self) -> str:
        return reverse("events:place", args=[self.token])

    def get_stop_url(self) -> str:
        """Where a mail program posts to when its reader presses “unsubscribe”: it gives the place back."""
        return reverse("events:stop", args=[self.token])
