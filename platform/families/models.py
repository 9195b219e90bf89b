"""Who belongs together, by whose consent, on what terms, and who looked."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, validate_time_zone
from accounts.names import NameField
from families.consent_models import (
    PERSON,
    Consent,
    ConsentPolicy,
    CoolingOff,
    Correction,
    ParentCheck,
    Residence,
)
from families.quiet_hours import QuietHours
from families.terms import ParentView, Terms
from kit.tokens import generate_token

__all__ = [
    "INVITATION_LIFETIME",
    "PERSON",
    "Consent",
    "ConsentPolicy",
    "CoolingOff",
    "Correction",
    "FamilyDeletion",
    "Invitation",
    "Link",
    "LinkEndReason",
    "Notice",
    "ParentCheck",
    "ParentViewLog",
    "PasswordHelp",
    "Proposal",
    "Residence",
    "TrustedAdult",
]

INVITATION_LIFETIME = timedelta(days=7)


class LinkEndReason(models.TextChoices):
    NONE = "", ""
    PARENT = "parent", _("ended by the parent")
    TEEN = "teen", _("ended by the teen")
    AGE = "age", _("ended because the teen turned 18")


class TermsFields(models.Model):
    """The columns of one agreement; families.terms says what they mean."""

    view = models.CharField(max_length=10, choices=ParentView, default=ParentView.TOPICS)
    memory = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    answers_a_day = models.PositiveSmallIntegerField(null=True, blank=True)
    # Of the quiet hours and the daily limit. A teen's account may move; this moves when both say so.
    time_zone = models.CharField(_("time zone"), max_length=60, validators=[validate_time_zone])

    class Meta:
        abstract = True

    @property
    def terms(self) -> Terms:
        return Terms(
            view=ParentView(self.view),
            memory=self.memory,
            quiet_from=self.quiet_from,
            quiet_to=self.quiet_to,
            answers_a_day=self.answers_a_day,
            time_zone=self.time_zone,
        )


class Link(TermsFields):
    """A parent and a teen who both said yes to each other, with the terms that they agreed on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    parent = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="links_to_teens")
    teen = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="links_to_parents")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(
        max_length=10, choices=LinkEndReason, default=LinkEndReason.NONE, blank=True
    )
    # A parent closed the tutor for now.
    paused_at = models.DateTimeField(null=True, blank=True)
    # Until `zone_from` the zone that was agreed on before holds still.
    earlier_zone = models.CharField(max_length=60, blank=True, editable=False)
    zone_from = models.DateTimeField(null=True, blank=True, editable=False)
    # False while the zone was taken from an account and nobody has said that it is right.
    is_zone_confirmed = models.BooleanField(_("time zone confirmed"), default=False, editable=False)
    # From when on a wider view shows words: from its own agreement on (families.parent_view). Empty where the teen said
    # that what was asked before is open too. They mean something only while the view is at least that wide.
    flagged_since = models.DateTimeField(null=True, blank=True, default=timezone.now)
    full_since = models.DateTimeField(null=True, blank=True, default=timezone.now)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "teen"], condition=Q(ended_at=None), name="link_once_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(parent=F("teen")), name="link_of_two"),
            models.CheckConstraint(condition=Q(view__in=ParentView.values), name="link_view_known"),
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="link_ended_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="link_quiet_from_and_to",
            ),
            models.CheckConstraint(condition=~Q(time_zone=""), name="link_has_a_zone"),
            models.CheckConstraint(
                condition=Q(zone_from=None, earlier_zone="")
                | (Q(zone_from__isnull=False) & ~Q(earlier_zone="")),
                name="link_zone_from_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.parent} – {self.teen}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.time_zone:
            self.time_zone, self.is_zone_confirmed = choose_zone(self.parent, self.teen)
        super().save(*args, **kwargs)

    @property
    def zone(self) -> ZoneInfo:
        """The zone that holds now."""
        return self.zone_at(timezone.now())

    def zone_at(self, now: datetime) -> ZoneInfo:
        return ZoneInfo(self.earlier_zone if self.zone_from and now < self.zone_from else self.time_zone)

    @property
    def quiet_hours(self) -> list[QuietHours]:
        """None, one, or two where the zone is about to change."""
        if not self.terms.has_quiet_hours or self.quiet_from is None or self.quiet_to is None:
            return []
        hours = QuietHours(
            begins=self.quiet_from, ends=self.quiet_to, zone=ZoneInfo(self.time_zone), since=self.zone_from
        )
        if self.zone_from is None:
            return [hours]
        return [replace(hours, zone=ZoneInfo(self.earlier_zone), since=None, before=self.zone_from), hours]

    @property
    def shows_text(self) -> bool:
        return self.view != ParentView.TOPICS

    @property
    def text_since(self) -> datetime | None:
        """From when on the agreed view shows words; None where it shows none, or what was asked before as well."""
        return {ParentView.FLAGGED: self.flagged_since, ParentView.FULL: self.full_since}.get(
            ParentView(self.view)
        )


class Proposal(TermsFields):
    """A change of terms that one of the two wishes for, and that waits for the other. The newest replaces the last."""

    link = models.OneToOneField(Link, on_delete=models.CASCADE, related_name="proposal")
    by = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    # The teen's own choice, where the teen proposes: what was asked before is open to a wider view too.
    includes_earlier = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")

    def __str__(self) -> str:
        return str(self.link_id)


class Invitation(models.Model):
    """One side's yes, as a link that the other side opens. It can be used once, within a week."""

    token = models.CharField(max_length=40, unique=True, default=generate_token, editable=False)
    by = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="invitations")
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    # Where it was sent by mail; one that is handed over needs no address.
    email = models.EmailField(blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.by}, {self.made_at:%Y-%m-%d}"

    @property
    def expires_at(self) -> datetime:
        return self.made_at + INVITATION_LIFETIME


class PasswordHelp(models.Model):
    """A teen without an email address forgot the password: a parent says that it is them, and sees no more of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    teen = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="password_helps")
    # It stands on the screen of whoever asks, and a parent types it on their own.
    code = models.CharField(max_length=6, editable=False)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    granted_by = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    granted_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    # The hash of the forgotten password: it opens again what was closed when a new one was chosen.
    old_password = models.CharField(max_length=128, blank=True, editable=False)

    class Meta:
        verbose_name = _("help with a password")
        verbose_name_plural = _("helps with passwords")
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M}"


class ParentViewLog(models.Model):
    """A parent looked at what they may see of a teen. The teen sees every entry."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="parent_views")
    first_opened_at = models.DateTimeField(default=timezone.now, editable=False)
    last_opened_at = models.DateTimeField(default=timezone.now, editable=False)
    view = models.CharField(max_length=10, choices=ParentView)

    class Meta:
        verbose_name = _("parent view")
        verbose_name_plural = _("parent views")
        ordering = ["-first_opened_at"]

    def __str__(self) -> str:
        return f"{self.first_opened_at:%Y-%m-%d %H:%M}"

    @property
    def has_duration(self) -> bool:
        """Whether its first and its last time differ as they are shown: in minutes."""
        return self.last_opened_at.replace(second=0, microsecond=0) > self.first_opened_at.replace(
            second=0, microsecond=0
        )


class TrustedAdult(models.Model):
    """A second grown-up whom a teen named in private. No page, export, mail or line of a log shows it to a parent."""

    teen = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="trusted_adult")
    name = NameField(_("name"))
    contact = models.CharField(_("how to reach them"), max_length=200)
    named_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("trusted adult")
        verbose_name_plural = _("trusted adults")

    def __str__(self) -> str:
        return str(self.pk)


class Notice(models.Model):
    """Something that a person is told, quietly, on their own pages."""

    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField(default=timezone.now, editable=False)
    text = models.CharField(max_length=400)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at"]

    def __str__(self) -> str:
        return self.text


PERSON = settings.AUTH_USER_MODEL


class FamilyDeletion(models.Model):
    """A parent asked for the family's accounts to be erased. It waits some days; see families.family_deletion."""

    parent = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="family_deletion")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    # The teens who decide for themselves, and said yes.
    agreed_teens = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")

    class Meta:
        verbose_name = _("family deletion request")
        verbose_name_plural = _("family deletion requests")

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d}"


def choose_zone(parent: Person, teen: Person) -> tuple[str, bool]:
    """The zone of a new agreement, and whether it is certain.

    It is the teen's, where they sleep, unless that is a guess and the parent's is none. It is certain where both
    have said the same.
    """
    zone = parent.time_zone if parent.is_zone_confirmed and not teen.is_zone_confirmed else teen.time_zone
    both = parent.is_zone_confirmed and teen.is_zone_confirmed
    return zone, both and parent.time_zone == teen.time_zone
