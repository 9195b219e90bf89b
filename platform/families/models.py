"""Links, agreements, invitations, parent views, notices and other records of families."""

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
from kit.memory_policy import MemoryPolicy
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
    """The columns of an agreement; see families.terms."""

    parent_view = models.CharField(max_length=10, choices=ParentView, default=ParentView.TOPICS)
    memory = models.CharField(max_length=10, choices=MemoryPolicy, default=MemoryPolicy.FULL)
    allows_spanning_notes = models.BooleanField(default=False)
    local_only = models.BooleanField(default=False)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    answers_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    # For quiet hours and the daily cap. It does not follow the teen's account: both have to agree to a change.
    time_zone = models.CharField(_("time zone"), max_length=60, validators=[validate_time_zone])

    class Meta:
        abstract = True

    @property
    def terms(self) -> Terms:
        return Terms(
            parent_view=ParentView(self.parent_view),
            memory=MemoryPolicy(self.memory),
            allows_spanning_notes=self.allows_spanning_notes,
            local_only=self.local_only,
            quiet_from=self.quiet_from,
            quiet_to=self.quiet_to,
            answers_per_day=self.answers_per_day,
            time_zone=self.time_zone,
        )


class Link(TermsFields):
    """A parent and a teen who both agreed to be linked, with the terms of their agreement."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    parent = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="links_to_teens")
    teen = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="links_to_parents")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(
        max_length=10, choices=LinkEndReason, default=LinkEndReason.NONE, blank=True
    )
    # When a parent paused the tutor.
    paused_at = models.DateTimeField(null=True, blank=True)
    # Until `zone_applies_from`, `earlier_zone` applies.
    earlier_zone = models.CharField(max_length=60, blank=True, editable=False)
    zone_applies_from = models.DateTimeField(null=True, blank=True, editable=False)
    # False while the zone was taken from an account and not confirmed.
    is_zone_confirmed = models.BooleanField(_("time zone confirmed"), default=False, editable=False)
    # When a wider view starts to show questions (families.parent_view). Null if the teen included earlier questions.
    # They apply only while the view is at least that wide.
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
            models.CheckConstraint(
                condition=Q(parent_view__in=ParentView.values), name="link_parent_view_known"
            ),
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
                condition=Q(zone_applies_from=None, earlier_zone="")
                | (Q(zone_applies_from__isnull=False) & ~Q(earlier_zone="")),
                name="link_zone_from_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.parent} – {self.teen}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the link. A new link without a time zone gets that of the parent or the teen."""
        if not self.time_zone:
            self.time_zone, self.is_zone_confirmed = choose_zone(self.parent, self.teen)
        super().save(*args, **kwargs)

    @property
    def zone(self) -> ZoneInfo:
        """The zone that applies now."""
        return self.zone_at(timezone.now())

    def zone_at(self, now: datetime) -> ZoneInfo:
        return ZoneInfo(
            self.earlier_zone if self.zone_applies_from and now < self.zone_applies_from else self.time_zone
        )

    @property
    def quiet_hours(self) -> list[QuietHours]:
        """One entry, two while a zone change is pending, none without quiet hours."""
        if not self.terms.has_quiet_hours or self.quiet_from is None or self.quiet_to is None:
            return []
        hours = QuietHours(
            begins=self.quiet_from,
            ends=self.quiet_to,
            zone=ZoneInfo(self.time_zone),
            since=self.zone_applies_from,
        )
        if self.zone_applies_from is None:
            return [hours]
        return [
            replace(hours, zone=ZoneInfo(self.earlier_zone), since=None, before=self.zone_applies_from),
            hours,
        ]

    @property
    def shows_text(self) -> bool:
        return self.parent_view != ParentView.TOPICS

    @property
    def text_since(self) -> datetime | None:
        """The time from which the agreed view shows questions. None if it shows none, or earlier ones too."""
        return {ParentView.FLAGGED: self.flagged_since, ParentView.FULL: self.full_since}.get(
            ParentView(self.parent_view)
        )


class Proposal(TermsFields):
    """A proposed change to the terms, waiting for the other side. A newer one replaces it."""

    link = models.OneToOneField(Link, on_delete=models.CASCADE, related_name="proposal")
    by = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # Set if the teen proposes: a wider view also shows earlier questions.
    includes_earlier = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")

    def __str__(self) -> str:
        return str(self.link_id)


class Invitation(models.Model):
    """An invitation to link. It can be used once, within a week."""

    token = models.CharField(max_length=40, unique=True, default=generate_token, editable=False)
    by = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="invitations")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Empty if the inviter shares the link themselves.
    email = models.EmailField(blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.by}, {self.created_at:%Y-%m-%d}"

    @property
    def expires_at(self) -> datetime:
        return self.created_at + INVITATION_LIFETIME


class PasswordHelp(models.Model):
    """A parent confirms that a teen without an email address forgot their password."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    teen = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="password_helps")
    # Shown on the teen's screen; a parent types it on their own page.
    code = models.CharField(max_length=6, editable=False)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    granted_by = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    granted_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    # The hash of the forgotten password, which unseals earlier data.
    old_password = models.CharField(max_length=128, blank=True, editable=False)

    class Meta:
        verbose_name = _("password help")
        verbose_name_plural = _("password helps")
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M}"


class ParentViewLog(models.Model):
    """A parent opened pages of the parent view. The teen sees every entry."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="parent_view_entries")
    first_opened_at = models.DateTimeField(default=timezone.now, editable=False)
    last_opened_at = models.DateTimeField(default=timezone.now, editable=False)
    parent_view = models.CharField(max_length=10, choices=ParentView)

    class Meta:
        verbose_name = _("parent view")
        verbose_name_plural = _("parent views")
        ordering = ["-first_opened_at"]

    def __str__(self) -> str:
        return f"{self.first_opened_at:%Y-%m-%d %H:%M}"

    @property
    def has_duration(self) -> bool:
        """Return whether the first and last time differ when shown in minutes."""
        return self.last_opened_at.replace(second=0, microsecond=0) > self.first_opened_at.replace(
            second=0, microsecond=0
        )


class TrustedAdult(models.Model):
    """An adult whom a teen named in private. No page, export, email or log line shows it to a parent."""

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
    """A message on a person's own pages."""

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
    """A parent's request to delete the family's accounts; see families.family_deletion."""

    parent = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="family_deletion")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    # Teens who can decide alone, and agreed.
    agreed_teens = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")

    class Meta:
        verbose_name = _("family deletion request")
        verbose_name_plural = _("family deletion requests")

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d}"


def choose_zone(parent: Person, teen: Person) -> tuple[str, bool]:
    """Choose the time zone of a new agreement. Return it and whether it is certain.

    It is the teen's zone, unless that is a guess and the parent's is confirmed. It is certain if both confirmed the
    same.
    """
    zone = parent.time_zone if parent.is_zone_confirmed and not teen.is_zone_confirmed else teen.time_zone
    both = parent.is_zone_confirmed and teen.is_zone_confirmed
    return zone, both and parent.time_zone == teen.time_zone
