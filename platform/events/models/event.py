"""Live events. One is an evening of its own, or one date of a series."""

import zoneinfo
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import default_time_zone, validate_time_zone

# The way in opens so long before the start.
JOIN_OPENS_BEFORE = timedelta(minutes=15)
# The words that the addresses of this room use themselves.
RESERVED_SLUGS = {"place", "mine"}


def validate_slug(slug: str) -> None:
    """Raise ValidationError for a word that the addresses of this room use themselves."""
    if slug in RESERVED_SLUGS:
        raise ValidationError(_("“%(slug)s” is taken by other pages of this site.") % {"slug": slug})


class Series(models.Model):
    """What binds several dates together. Each date is an event of its own, with its own places."""

    title = models.CharField(_("title"), max_length=120)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")

    def __str__(self) -> str:
        return self.title


class Stage(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    LIVE = "live", _("live")
    ENDED = "ended", _("ended")
    RECORDED = "recorded", _("recording published")
    CANCELLED = "cancelled", _("cancelled")


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
    series = models.ForeignKey(
        Series,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("series"),
    )
    hosts = models.CharField(
        _("hosts"), max_length=200, blank=True, help_text=_("Who leads it, as people read it.")
    )
    capacity = models.PositiveIntegerField(
        _("places"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: as many as want to come. Whoever comes after the last place waits for one."),
    )
    max_guests = models.PositiveSmallIntegerField(
        _("guests each"), default=3, help_text=_("How many people somebody who signed up may bring.")
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=settings.LANGUAGES,
        default=settings.LANGUAGE_CODE,
        help_text=_("What is spoken there, and written in the captions."),
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

    recording_url = models.URLField(
        _("recording"),
        blank=True,
        help_text=_("Its address: a file that a browser plays, or a page elsewhere."),
    )
    captions = models.TextField(_("captions"), blank=True, editable=False)
    recording_published_at = models.DateTimeField(
        _("recording published"), null=True, blank=True, editable=False
    )

    # How many there were, once nobody knows any more who they were.
    totals = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(minutes=None) | Q(minutes__gt=0), name="event_minutes_more_than_none"
            ),
            models.CheckConstraint(
                condition=Q(capacity=None) | Q(capacity__gt=0), name="event_capacity_more_than_none"
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

    def stage_at(self, now: datetime) -> Stage:
        """Where it stands at `now`. Only draft, published and cancelled are written down: the clock does the rest."""
        if self.is_cancelled:
            return Stage.CANCELLED
        if not self.is_published:
            return Stage.DRAFT
        if self.is_over_at(now):
            return Stage.RECORDED if self.recording_published_at else Stage.ENDED
        return Stage.LIVE if self.starts_at <= now else Stage.PUBLISHED

    @property
    def stage(self) -> Stage:
        return self.stage_at(timezone.now())

    @property
    def has_recording(self) -> bool:
        """Whether its recording is on its page."""
        return bool(self.recording_published_at and self.recording_url)

    @property
    def join_opens_at(self) -> datetime:
        return self.starts_at - JOIN_OPENS_BEFORE

    @property
    def can_join_now(self) -> bool:
        """Whether whoever has a place may come in now."""
        return bool(self.join_url) and self.is_open and self.join_opens_at <= timezone.now()

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None

    @property
    def has_begun(self) -> bool:
        """Whether it is too late for the waiting list, which is served until the start."""
        return self.starts_at <= timezone.now()

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
