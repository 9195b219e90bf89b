"""The outbox: one row for every mail, written in the transaction that has a reason to send it."""

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
    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


class BounceKind(models.TextChoices):
    BOUNCED = "bounced", _("came back")
    REFUSED = "refused", _("refused by the provider")
    COMPLAINED = "complained", _("its reader complained")


class Email(models.Model):
    """One mail to one address, and what became of it.

    `key` names the occasion, so that one occasion makes one mail. `message_id` stays the same over every try: a
    mail server that gets it twice can tell. While a worker sends, `claim` names it and `lease_until` says until
    when it is believed to live.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(_("occasion"), max_length=MAX_KEY_LENGTH, unique=True)
    to = models.EmailField(_("to"))
    subject = models.CharField(_("subject"), max_length=MAX_SUBJECT_LENGTH)
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=10, default=get_page_language, editable=False)
    # Where a reader's mail program goes to stop such mail with one click (RFC 8058). It takes a POST.
    unsubscribe_url = models.URLField(_("address to stop it"), max_length=300, blank=True, editable=False)
    message_id = models.CharField(_("message id"), max_length=320, editable=False)
    created_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    state = models.CharField(_("state"), max_length=10, choices=EmailState, default=EmailState.WAITING)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    send_after = models.DateTimeField(_("send after"), default=timezone.now)
    claim = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    error = models.CharField(_("trouble"), max_length=MAX_ERROR_LENGTH, blank=True)
    # A provider has an id of its own for a mail, and says by it what became of the mail later.
    provider_id = models.CharField(max_length=200, blank=True, editable=False)
    bounce = models.CharField(_("returned"), max_length=10, choices=BounceKind, blank=True)
    bounced_at = models.DateTimeField(_("returned at"), null=True, blank=True)

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
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
    """A text file that goes with a mail, such as an event's calendar entry."""

    email = models.ForeignKey(Email, on_delete=models.CASCADE, related_name="attachments")
    filename = models.CharField(_("file name"), max_length=100)
    content_type = models.CharField(_("content type"), max_length=120)
    content = models.TextField(_("content"))
    # Another form of the text itself, as an invitation is, and not a file beside it.
    is_alternative = models.BooleanField(_("alternative"), default=False)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.filename
