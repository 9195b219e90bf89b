"""Counts of cards, the record of human review, and incidents with their history (ADR 60)."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, validate_time_zone
from accounts.names import MAX_STORED_NAME_LENGTH

PERSON = settings.AUTH_USER_MODEL
MAX_EXCERPT_LENGTH = 280
MAX_NOTE_LENGTH = 500
# The guard's version and the first characters of the hash of the reviewed texts (safeguarding.protocol).
MAX_PROTOCOL_LENGTH = 40


class LevelChoices(models.TextChoices):
    """The levels of guard.Level that have a card or a check-in, as they are stored."""

    HINTS = "2", _("2: hints")
    STATED = "3", _("3: stated")
    ACUTE = "4", _("4: immediate danger")
    UNSAFE_HOME = "S", _("S: not safe at home, or exploited")


class CountKind(models.TextChoices):
    """What is counted in every week, without words and without people."""

    CARD = "card", _("crisis cards")
    REFERRAL = "referral", _("referrals: crises, each counted once")
    CHECK_IN = "check_in", _("check-ins")
    UNSTORED_CARD = (
        "unstored_card",
        _("crisis cards that are not stored: to visitors, without consent, above a search"),
    )
    MISREAD_CARD = "misread_card", _("cards that their reader said do not fit")
    FALSE_ALARM = "false_alarm", _("incidents that a reviewer closed as a false alarm")
    GUARD_OUTAGE = "guard_outage", _("outages of the remote guard")


class WeeklyCount(models.Model):
    """How often something happened in a week of one calendar year. A trigger keeps it from being lowered or deleted.

    `week_start` is a Monday, or January 1 for the first days of a year, so that the weeks of a year add up to it. The
    weeks are in UTC.
    """

    week_start = models.DateField(_("week from"))
    kind = models.CharField(_("what"), max_length=13, choices=CountKind)
    level = models.CharField(_("level"), max_length=1, blank=True)
    protocol = models.CharField(_("protocol"), max_length=MAX_PROTOCOL_LENGTH)
    count = models.PositiveIntegerField(_("count"), default=0)

    class Meta:
        verbose_name = _("weekly count")
        verbose_name_plural = _("weekly counts")
        ordering = ["-week_start", "kind", "level"]
        constraints = [
            models.UniqueConstraint(
                fields=["week_start", "kind", "level", "protocol"], name="weekly_count_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.week_start:%Y-%m-%d}, {self.get_kind_display()}: {self.count}"


class HumanReview(models.Model):
    """A record of who reviews crises on this site, or that no one does. The newest row applies; none is ever changed.

    Without a row, or with `is_on` False, no incident is created and the screens say that no one reads.
    """

    is_on = models.BooleanField(_("people review crises"))
    organization = models.CharField(_("organization, as teens read it"), max_length=80, blank=True)
    responsible = models.ForeignKey(
        PERSON,
        verbose_name=_("responsible person"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    responsible_name = models.CharField(_("their name and role"), max_length=120, blank=True)
    # Who may stand in for them at S, in this order. Not a relation: a record never changes, and erasing an account
    # must not change it.
    deputy_ids = ArrayField(models.BigIntegerField(), verbose_name=_("deputies"), default=list, blank=True)
    deputy_names = ArrayField(
        models.CharField(max_length=MAX_STORED_NAME_LENGTH),
        verbose_name=_("names of the deputies"),
        default=list,
        blank=True,
    )
    training = models.CharField(_("training of the reviewers"), max_length=300, blank=True)
    hours = models.CharField(_("hours, in words"), max_length=200, blank=True)
    legal_advice = models.CharField(_("who gave legal advice, and when"), max_length=200, blank=True)
    # After this time, everyone who may open an unclaimed incident is told.
    escalate_after_minutes = models.PositiveSmallIntegerField(
        _("minutes until an unclaimed incident is escalated"),
        default=15,
        validators=[MinValueValidator(5), MaxValueValidator(240)],
    )
    excerpt_days = models.PositiveSmallIntegerField(
        _("days that excerpts are kept after an incident is closed"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    recorded_by = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    recorded_by_name = models.CharField(max_length=MAX_STORED_NAME_LENGTH)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("record of human review")
        verbose_name_plural = _("records of human review")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_on=False)
                | ~(
                    Q(organization="")
                    | Q(responsible_name="")
                    | Q(training="")
                    | Q(hours="")
                    | Q(legal_advice="")
                ),
                name="human_review_is_recorded_whole",
            )
        ]
        permissions = [
            ("review_incident", _("Can review incidents")),
            ("view_crisis_report", _("Can view crisis counts and the yearly report")),
        ]

    def __str__(self) -> str:
        return f"{self.recorded_at:%Y-%m-%d %H:%M}"

    @property
    def lead_ids(self) -> list[int]:
        """The ids of the responsible person and the deputies, of whom some may be erased."""
        responsible = [self.responsible_id] if self.responsible_id else []
        return [*responsible, *(number for number in self.deputy_ids if number != self.responsible_id)]


class OnCallShift(models.Model):
    """One person's weekly hours on call, in a time zone. With `ends` at or before `starts` it ends the next day."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    reviewer = models.ForeignKey(
        PERSON, verbose_name=_("reviewer"), on_delete=models.CASCADE, related_name="on_call_shifts"
    )
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday)
    starts = models.TimeField(_("from"))
    ends = models.TimeField(_("to"))
    time_zone = models.CharField(_("time zone"), max_length=60, validators=[validate_time_zone])

    class Meta:
        verbose_name = _("on-call shift")
        verbose_name_plural = _("on-call shifts")
        ordering = ["weekday", "starts"]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()}, {self.starts:%H:%M}–{self.ends:%H:%M}"


class AlertAnswer(models.TextChoices):
    """What a teen answers when a reviewer would like to tell an adult."""

    NONE = "", _("no answer yet")
    PARENT = "parent", _("tell them")
    OTHER_ADULT = "other_adult", _("tell my other adult")
    UNSAFE = "unsafe", _("home isn’t safe")


class Resolution(models.TextChoices):
    NONE = "", _("open")
    HELPED = "helped", _("followed up")
    FALSE_ALARM = "false_alarm", _("false alarm")


class Incident(models.Model):
    """One crisis of one teen: their messages in a crisis until it is closed, with what reviewers did.

    Created in the transaction of the card, only while people review crises and the teen's consent says so. `level` is
    the highest of its messages, in the order of guard.Level; a message at S also freezes alerts. If the account is
    erased, `teen`, the excerpts and the notes go, and levels, times and history stay.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    teen = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="incidents")
    level = models.CharField(_("level"), max_length=1, choices=LevelChoices)
    # A practice run: marked everywhere, and never counted.
    is_drill = models.BooleanField(_("drill"), default=False)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now, editable=False)
    last_message_at = models.DateTimeField(_("last message"), default=timezone.now)
    protocol = models.CharField(_("protocol"), max_length=MAX_PROTOCOL_LENGTH)

    claimed_by = models.ForeignKey(
        PERSON,
        verbose_name=_("claimed by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="claimed_incidents",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    first_look_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(
        _("outcome"), max_length=11, choices=Resolution, default=Resolution.NONE, blank=True
    )

    # When people on call were told, and when it was last escalated because no one had claimed it.
    notified_at = models.DateTimeField(null=True, blank=True)
    webhook_sent_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    escalations = models.PositiveSmallIntegerField(default=0)

    # When the teen was asked whom to tell, until when they can answer, and the answer.
    teen_asked_at = models.DateTimeField(null=True, blank=True)
    teen_answer_until = models.DateTimeField(null=True, blank=True)
    teen_answer = models.CharField(max_length=11, choices=AlertAnswer, default=AlertAnswer.NONE, blank=True)
    # No parent may be told from this moment on: a message at S, or the teen's answer that home is not safe.
    alerts_frozen_at = models.DateTimeField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)

    # For the list of a reviewer who may not open it: the people who may. Not stored.
    waits_for: Sequence[Person] | None = None

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["opened_at"], condition=Q(closed_at=None), name="incident_open"),
            models.Index(fields=["teen", "-opened_at"], name="incident_by_teen"),
        ]
        constraints = [
            # Two messages at the same moment open one incident.
            models.UniqueConstraint(
                fields=["teen"],
                condition=Q(closed_at=None, is_drill=False),
                name="incident_open_once_a_teen",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, resolution="") | (Q(closed_at__isnull=False) & ~Q(resolution="")),
                name="incident_closed_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(claimed_by=None) | Q(claimed_at__isnull=False),
                name="incident_claimed_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(alerted_at=None)
                | Q(alerts_frozen_at=None)
                | Q(alerted_at__lte=F("alerts_frozen_at")),
                name="incident_no_alert_while_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}, {self.opened_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def age(self) -> timedelta:
        """How long it has been open, or was."""
        return (self.closed_at or timezone.now()) - self.opened_at

    def is_waiting_for_teen(self, *, now: datetime | None = None) -> bool:
        """Whether the teen was asked, has not answered, and still has time to."""
        if self.teen_asked_at is None or self.teen_answer_until is None or self.teen_answer:
            return False
        return (now or timezone.now()) < self.teen_answer_until


class IncidentMessage(models.Model):
    """A message of an incident: what a reviewer may see of it at first, and where the rest is."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="messages")
    # The turn, which is in chat, a room above. safeguarding.context reads more of its conversation.
    turn_id = models.UUIDField(null=True, unique=True)
    level = models.CharField(max_length=1, choices=LevelChoices)
    said_at = models.DateTimeField(default=timezone.now, editable=False)
    # The part of the message with the guard's evidence; empty once it was deleted.
    excerpt = models.CharField(max_length=MAX_EXCERPT_LENGTH, blank=True)
    is_about_someone_else = models.BooleanField(default=False)
    guard_version = models.CharField(max_length=20)
    # For a reader who may not read its words (safeguarding.reviewing). Not stored.
    is_withheld = False

    class Meta:
        verbose_name = _("message of an incident")
        verbose_name_plural = _("messages of incidents")
        ordering = ["said_at", "pk"]

    def __str__(self) -> str:
        return f"{self.level}, {self.said_at:%Y-%m-%d %H:%M}"


class EntryKind(models.TextChoices):
    """What happened to an incident. Those of LOOK_KINDS are shown to the teen with their time and reason."""

    OPENED = "opened", _("opened")
    OPENED_BY_ANSWER = "opened_answer", _("opened: the teen answered that home isn’t safe")
    MESSAGE = "message", _("another message")
    RAISED = "raised", _("level raised")
    NOTIFIED = "notified", _("people on call were told")
    UNATTENDED = "unattended", _("no one was on call")
    ESCALATED = "escalated", _("escalated: no one had claimed it")
    CLAIMED = "claimed", _("claimed")
    RELEASED = "released", _("released")
    TAKEN_OVER = "taken_over", _("taken over")
    HANDED_UP = "handed_up", _("passed to the responsible person")
    KEPT_FOR_LEAD = "kept_for_lead", _("left to the responsible person and the deputies")
    LAPSED = "lapsed", _("given back: the reviewer left, or did nothing for a day")
    SKIPPED = "skipped", _("skipped")
    NOTED = "noted", _("note")
    LOOKED_AT_EXCERPT = "looked_excerpt", _("read the excerpt")
    LOOKED_AT_CONTEXT = "looked_context", _("read the messages around it")
    LOOKED_AT_ADULT = "looked_adult", _("read how to reach the other adult")
    TEEN_ASKED = "teen_asked", _("asked the teen whom to tell")
    TEEN_ANSWERED = "teen_answered", _("the teen answered")
    PARENT_TOLD = "parent_told", _("told a parent")
    OTHER_ADULT_TOLD = "other_adult_told", _("told the other adult")
    FROZEN = "frozen", _("telling a parent was ruled out")
    RESOLVED = "resolved", _("closed: followed up")
    FALSE_ALARM = "false_alarm", _("closed: false alarm")
    EXCERPTS_DELETED = "excerpts_deleted", _("excerpts deleted")


LOOK_KINDS = (EntryKind.LOOKED_AT_EXCERPT, EntryKind.LOOKED_AT_CONTEXT, EntryKind.LOOKED_AT_ADULT)


class IncidentEntry(models.Model):
    """One entry of an incident's history. A trigger lets nothing of it change, except that a note may be emptied."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=16, choices=EntryKind)
    at = models.DateTimeField(default=timezone.now, editable=False)
    # Who did it; null for the site and for the teen. Not a foreign key, so that erasing an account changes no entry.
    by_id_number = models.BigIntegerField(null=True)
    by_name = models.CharField(max_length=MAX_STORED_NAME_LENGTH, blank=True)
    # A reason, a note, or the teen's answer; never a teen's words.
    note = models.CharField(max_length=MAX_NOTE_LENGTH, blank=True)
    level = models.CharField(max_length=1, blank=True)

    class Meta:
        verbose_name = _("entry of an incident")
        verbose_name_plural = _("entries of incidents")
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["incident", "at"], name="incident_history")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"
