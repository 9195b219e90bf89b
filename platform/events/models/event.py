"""Live events, single or as dates of a series."""

import zoneinfo
from dataclasses import dataclass
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
from kit.languages import get_page_language

# How long before the start the link to join appears.
JOIN_OPENS_BEFORE = timedelta(minutes=15)
# Words that this room's URLs use, so no event can have them as its slug.
RESERVED_SLUGS = {"sign-up", "mine"}


def validate_slug(slug: str) -> None:
    """Raise ValidationError for a slug that this room's URLs use."""
    if slug in RESERVED_SLUGS:
        raise ValidationError(_("“%(slug)s” is used by another page of this site.") % {"slug": slug})


class Series(models.Model):
    """Connects several dates. Each date is an event of its own, with its own spots."""

    title = models.CharField(_("title"), max_length=120)

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")

    def __str__(self) -> str:
        return self.title


class EventStage(models.TextChoices):
    """Where an event is between draft and recording."""

    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    LIVE = "live", _("live")
    ENDED = "ended", _("ended")
    RECORDED = "recorded", _("recording published")
    CANCELLED = "cancelled", _("cancelled")


@dataclass(frozen=True)
class EventText:
    """What people read about an event, in one language."""

    language: str
    title: str
    summary: str
    description: str


class Event(models.Model):
    """A live online event. Its start is an instant, shown to everyone in the event's own time zone.

    `title`, `summary` and `description` are in the language that is spoken at the event. `translations` has the same
    three in other languages, by language code. Pages, emails and calendars show `text`.
    """

    slug = models.SlugField(
        _("address"),
        max_length=80,
        unique=True,
        validators=[validate_slug],
        help_text=_(
            "The last part of the page’s address. Emails already sent link there, so avoid changing it."
        ),
    )
    title = models.CharField(_("title"), max_length=120)
    summary = models.CharField(
        _("summary"), max_length=300, help_text=_("One or two sentences, for the list.")
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("Plain text. Leave an empty line between paragraphs.")
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
        help_text=_("Leave empty if a past event’s length isn’t known."),
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
        _("hosts"), max_length=200, blank=True, help_text=_("Who leads it, as shown on the page.")
    )
    capacity = models.PositiveIntegerField(
        _("spots"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Leave empty for no limit. When all spots are taken, people join the waitlist."),
    )
    max_guests = models.PositiveSmallIntegerField(
        _("guests per person"), default=3, help_text=_("How many guests each person may invite.")
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=settings.LANGUAGES,
        default=settings.LANGUAGE_CODE,
        help_text=_("The language spoken at the event and used in its captions."),
    )
    translations = models.JSONField(_("translations"), default=dict, blank=True, editable=False)
    is_published = models.BooleanField(_("published"), default=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    # The revision for calendars. It rises with every change that they show (RFC 5546).
    sequence = models.PositiveIntegerField(_("revision"), default=0, editable=False)
    # A slug, not a foreign key: this room may not import courses.
    module_slug = models.SlugField(
        _("module"), max_length=80, blank=True, help_text=_("The module this event goes with.")
    )
    join_url = models.URLField(
        _("link to join"),
        blank=True,
        help_text=_("Shown only on the personal pages of people who signed up."),
    )

    recording_url = models.URLField(
        _("recording"),
        blank=True,
        help_text=_("A link to a video or audio file, or to a page on another site."),
    )
    captions = models.TextField(_("captions"), blank=True, editable=False)
    recording_published_at = models.DateTimeField(
        _("recording published"), null=True, blank=True, editable=False
    )

    # The counts of sign-ups, saved when the sign-ups are deleted.
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
    def text(self) -> EventText:
        """Its text in the language of the page or email, or else in its own."""
        language = get_page_language()
        if language != self.language and (translation := self.translations.get(language)):
            return EventText(language, **translation)
        return EventText(self.language, self.title, self.summary, self.description)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def starts_local(self) -> datetime:
        """The start in the event's own time zone."""
        return self.starts_at.astimezone(self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """When it ends, or None if its length is not known."""
        return None if self.minutes is None else self.starts_at + timedelta(minutes=self.minutes)

    def is_over_at(self, now: datetime) -> bool:
        """Return whether it has ended by `now`. With an unknown length, it is over once it has started."""
        return (self.ends_at or self.starts_at) <= now

    @property
    def is_over(self) -> bool:
        return self.is_over_at(timezone.now())

    def stage_at(self, now: datetime) -> EventStage:
        """Its stage at `now`. Only draft, published and cancelled are stored. The rest follows from the time."""
        if self.is_cancelled:
            return EventStage.CANCELLED
        if not self.is_published:
            return EventStage.DRAFT
        if self.is_over_at(now):
            return EventStage.RECORDED if self.recording_published_at else EventStage.ENDED
        return EventStage.LIVE if self.starts_at <= now else EventStage.PUBLISHED

    @property
    def stage(self) -> EventStage:
        return self.stage_at(timezone.now())

    @property
    def has_recording(self) -> bool:
        """Whether its page shows the recording."""
        return bool(self.recording_published_at and self.recording_url)

    @property
    def join_opens_at(self) -> datetime:
        """When the link to join appears on the pages of people with a spot."""
        return self.starts_at - JOIN_OPENS_BEFORE

    @property
    def can_join_now(self) -> bool:
        """Whether people with a spot can join now."""
        return bool(self.join_url) and self.is_open and self.join_opens_at <= timezone.now()

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None

    @property
    def has_begun(self) -> bool:
        """Whether it has started, which also closes the waitlist."""
        return self.starts_at <= timezone.now()

    def is_open_at(self, now: datetime) -> bool:
        """Return whether people can sign up at `now`."""
        return not self.is_cancelled and not self.is_over_at(now)

    @property
    def is_open(self) -> bool:
        return self.is_open_at(timezone.now())

    @property
    def has_calendar(self) -> bool:
        """Whether it has a calendar file: it is not over or cancelled, and its length is known."""
        return self.minutes is not None and self.is_open
