"""The outbox: one row per email, written in the transaction that causes it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kit.languages import get_page_language

MAX_KEY_LENGTH = 200
MAX_SUBJECT_LENGTH = 200
MAX_ERROR_LENGTH = 300


class EmailState(models.TextChoices):
    """An email waits, is being sent, and then is sent or has failed."""

    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


class BounceKind(models.TextChoices):
    """What happened to an email after the provider accepted it."""

    BOUNCED = "bounced", _("bounced")
    REFUSED = "refused", _("rejected by the provider")
    COMPLAINED = "complained", _("marked as spam")


class Email(models.Model):
    """One email to one address, and its delivery state.

    `key` names the occasion, so that an occasion sends one email. `message_id` is the same for every attempt, so a
    server can detect duplicates. While a worker sends it, `claim` identifies the attempt and `lease_until` says when
    the claim expires.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(_("key"), max_length=MAX_KEY_LENGTH, unique=True)
    to = models.EmailField(_("to"))
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT_LENGTH)
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=10, default=get_page_language, editable=False)
    # For one-click unsubscribe in email clients (RFC 8058). It takes a POST.
    unsubscribe_url = models.URLField(_("unsubscribe link"), max_length=300, blank=True, editable=False)
    message_id = models.CharField(_("message ID"), max_length=320, editable=False)
    created_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    state = models.CharField(_("state"), max_length=10, choices=EmailState, default=EmailState.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    send_after = models.DateTimeField(_("send after"), default=timezone.now)
    claim = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=MAX_ERROR_LENGTH, blank=True)
    # The provider's own id, which its delivery events use.
    provider_id = models.CharField(max_length=200, blank=True, editable=False)
    bounce = models.CharField(_("bounce"), max_length=10, choices=BounceKind, blank=True)
    bounced_at = models.DateTimeField(_("bounced at"), null=True, blank=True)

    class Meta:
        verbose_name = _("email")
        verbose_name_plural = _("emails")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="email_newest"),
            models.Index(fields=["send_after"], name="email_waiting", condition=Q(state="waiting")),
            models.Index(fields=["provider_id"], name="email_provider_id", condition=~Q(provider_id="")),
            models.Index(fields=["message_id"], name="email_message_id"),
            models.Index(fields=["lease_until"], name="email_sending", condition=Q(state="sending")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=EmailState.values), name="email_state_known"),
            models.CheckConstraint(
                condition=Q(state="sending", claim__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(claim__isnull=True, lease_until__isnull=True)),
                name="email_claimed_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="email_sent_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="failed", failed_at__isnull=False)
                | (~Q(state="failed") & Q(failed_at__isnull=True)),
                name="email_failed_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Attachment(models.Model):
    """A text attachment of an email, such as an event's calendar entry."""

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="attachments")
    filename = models.CharField(_("file name"), max_length=100)
    content_type = models.CharField(_("content type"), max_length=120)
    content = models.TextField(_("content"))
    # An alternative to the text (a calendar invitation) instead of a file.
    is_alternative = models.BooleanField(_("alternative"), default=False)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.filename
