"""Sign-ups: a name and an email address, kept until 30 days after the event."""

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
    """Only GOING has a spot. WAITLISTED and OFFERED may still get one."""

    UNCONFIRMED = "unconfirmed", _("not confirmed yet")
    GOING = "going", _("has a spot")
    WAITLISTED = "waitlisted", _("on the waitlist")
    OFFERED = "offered", _("was offered a spot")
    OFFER_EXPIRED = "offer_expired", _("offer expired")


class SignUp(models.Model):
    """One person at one event, by name and email address, and their status.

    Anyone with the token can see the sign-up, join and leave. The token is only sent to the email address, so using
    it proves that the address is theirs.
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
    # Guests have their own spots, so they stay when their host leaves.
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
    # The language of the page where they signed up. Emails use it.
    language = models.CharField(_("language"), max_length=10, default=get_page_language, editable=False)
    status = models.CharField(
        _("status"), max_length=15, choices=SignUpStatus, default=SignUpStatus.UNCONFIRMED
    )
    created_at = models.DateTimeField(_("signed up"), default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, editable=False)
    spot_given_at = models.DateTimeField(_("got a spot"), null=True, editable=False)
    waitlisted_at = models.DateTimeField(_("on the waitlist since"), null=True, editable=False)
    offer_expires_at = models.DateTimeField(_("offer expires"), null=True, editable=False)
    attended_at = models.DateTimeField(_("attended"), null=True, blank=True, editable=False)
    # Set by "Unsubscribe" in their email client or on their page: no more reminders or messages.
    unsubscribed_at = models.DateTimeField(_("turned off reminders"), null=True, blank=True, editable=False)
    # The start that each reminder was sent for. If the event moves, it is sent again.
    day_reminder_for = models.DateTimeField(null=True, editable=False)
    hour_reminder_for = models.DateTimeField(null=True, editable=False)
    # Emails may be requested again by signing up again. The count gives each one its own key.
    email_count = models.PositiveSmallIntegerField(_("emails sent on request"), default=0, editable=False)
    last_emailed_at = models.DateTimeField(_("last email sent on request"), null=True, editable=False)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        constraints: ClassVar = [
            # Two people may share an address. Each has their own sign-up, by name.
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
        """The URL for one-click unsubscribe. It only stops emails."""
        return reverse("events:unsubscribe", args=[self.token])

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that they see times in."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.event.zone

    @property
    def is_going(self) -> bool:
        return self.status == SignUpStatus.GOING

    def set_status(self, status: SignUpStatus, *, now: datetime) -> None:
        """Set a status and the times that belong to it. Does not save."""
        self.status = status
        self.spot_given_at = now if status == SignUpStatus.GOING else None
        self.offer_expires_at = None
        if status == SignUpStatus.WAITLISTED:
            self.waitlisted_at = now
