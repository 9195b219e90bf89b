"""Who comes. A sign-up is a name and an address, kept until thirty days after the event."""

import uuid
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import validate_time_zone
from accounts.names import NameField
from events.models.event import Event
from kit.email_addresses import MAX_EMAIL_LENGTH
from kit.languages import get_page_language
from kit.tokens import generate_token


class SignUpStatus(models.TextChoices):
    UNCONFIRMED = "unconfirmed", _("has not confirmed")
    GOING = "going", _("has a place")
    WAITLISTED = "waitlisted", _("waits for a place")
    OFFERED = "offered", _("was offered a place")
    OFFER_EXPIRED = "offer_expired", _("let an offer pass")


class SignUp(models.Model):
    """One person at one event, by name and address, and whether they have a place there.

    Its token is the whole of its rights: to see it, to come in and to leave. It goes to the address by mail and
    nowhere else, so that whoever uses it has shown that the address is theirs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="sign_ups", verbose_name=_("event")
    )
    name = NameField(_("name"))
    email = models.EmailField(_("email"), max_length=MAX_EMAIL_LENGTH)
    token = models.CharField(_("token"), max_length=40, unique=True, default=generate_token, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="event_sign_ups",
        verbose_name=_("person"),
    )
    # A guest stays when their host leaves: each has a place of their own.
    guest_of = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="guests",
        verbose_name=_("guest of"),
    )
    time_zone = models.CharField(
        _("time zone"), max_length=60, blank=True, validators=[validate_time_zone], editable=False
    )
    # That of the page where they signed up: a reminder is written when nobody has a page open.
    language = models.CharField(_("language"), max_length=10, default=get_page_language, editable=False)
    status = models.CharField(
        _("standing"), max_length=15, choices=SignUpStatus, default=SignUpStatus.UNCONFIRMED
    )
    created_at = models.DateTimeField(_("signed up"), default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, editable=False)
    spot_given_at = models.DateTimeField(_("got the place"), null=True, editable=False)
    waitlisted_at = models.DateTimeField(_("waits since"), null=True, editable=False)
    offer_expires_at = models.DateTimeField(_("offer ends"), null=True, editable=False)
    attended_at = models.DateTimeField(_("came"), null=True, blank=True, editable=False)
    # Their mail program's “Unsubscribe”, or the button on their page: no reminders and no other letters of ours.
    unsubscribed_at = models.DateTimeField(_("stopped reminders"), null=True, blank=True, editable=False)
    # The starts that they were reminded of: an event that moves has another.
    day_reminder_for = models.DateTimeField(null=True, editable=False)
    hour_reminder_for = models.DateTimeField(null=True, editable=False)
    # What is said to them may be asked for again; the count makes each telling a mail of its own.
    email_count = models.PositiveSmallIntegerField(_("mails asked for"), default=0, editable=False)
    last_emailed_at = models.DateTimeField(_("last mail asked for"), null=True, editable=False)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        constraints: ClassVar = [
            # Two people may share a mailbox. Each has a place of their own, by their name.
            models.UniqueConstraint(Lower("email"), Lower("name"), "event", name="sign_up_once_a_name"),
            models.CheckConstraint(condition=Q(status__in=SignUpStatus.values), name="sign_up_status_known"),
            models.CheckConstraint(
                condition=Q(status="going", spot_given_at__isnull=False)
                | (~Q(status="going") & Q(spot_given_at__isnull=True)),
                name="sign_up_going_has_spot_time",
            ),
            models.CheckConstraint(
                condition=Q(status="offered", offer_expires_at__isnull=False)
                | (~Q(status="offered") & Q(offer_expires_at__isnull=True)),
                name="sign_up_offer_has_expiry",
            ),
            models.CheckConstraint(
                condition=~Q(status="waitlisted") | Q(waitlisted_at__isnull=False),
                name="sign_up_waitlisted_has_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["event", "status", "waitlisted_at"], name="sign_up_waitlist"),
            models.Index(fields=["offer_expires_at"], name="sign_up_offers", condition=Q(status="offered")),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.event}"

    def get_absolute_url(self) -> str:
        return reverse("events:own_sign_up", args=[self.token])

    def get_unsubscribe_url(self) -> str:
        """Where a mail program posts to when its reader presses “unsubscribe”: it stops letters alone."""
        return reverse("events:unsubscribe", args=[self.token])

    @property
    def zone(self) -> ZoneInfo:
        """The clock that they read times by."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.event.zone

    @property
    def is_going(self) -> bool:
        return self.status == SignUpStatus.GOING

    def set_status(self, status: SignUpStatus, *, now: datetime) -> None:
        """Take a standing, with the times that belong to it. It is not saved."""
        self.status = status
        self.spot_given_at = now if status == SignUpStatus.GOING else None
        self.offer_expires_at = None
        if status == SignUpStatus.WAITLISTED:
            self.waitlisted_at = now
