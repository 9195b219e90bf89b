"""A model that does not answer: the outage, and what a turn needs that waits for its end (ADR 40)."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# How long a question waits before it ends without an answer.
DEFERRED_FOR = timedelta(hours=24)
# When a turn entered the queue, for the database; `Deferral.queued_at` is the same for Python.
QUEUED_AT = Coalesce("released_at", "asked_at")


class WaitsFor(models.TextChoices):
    """What a deferred turn waits for."""

    NOTHING = "", ""
    MODEL = "model", _("the model")
    FAMILY = "family", _("quiet hours or a parent’s pause to end")
    PAUSE = "pause", _("its asker to go on after a help card")
    BUDGET = "budget", _("the budget to refill")
    SITE = "site", _("the site to open the tutor")


class Deferral(models.Model):
    """The part of a turn that says how it waits until the model is back."""

    # Since when it waits or waited, when it was last put into the queue, and before when it is not tried again.
    deferred_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    try_after = models.DateTimeField(null=True, blank=True)
    waits_for = models.CharField(max_length=10, choices=WaitsFor, default=WaitsFor.NOTHING, blank=True)
    # How often it was put into the queue and came back without a word.
    returns = models.PositiveSmallIntegerField(default=0)
    # When a guard elsewhere was asked about the question, before any answer.
    guard_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def hold_key(self) -> uuid.UUID:
        """The key of its present hold. A hold resolves once, so a turn that came back gets another."""
        turn_id: uuid.UUID = self.pk
        return uuid.uuid5(turn_id, f"return {self.returns}") if self.returns else turn_id

    @property
    def deferred_until(self) -> datetime | None:
        """When it ends without an answer at the latest."""
        return self.deferred_at + DEFERRED_FOR if self.deferred_at else None


class ModelOutage(models.Model):
    """A time in which the model's server gave no answers. At most one has no `ended_at`.

    It begins with the first fault after an answer and counts as an outage once it is declared (chat.turns.outages). One
    that is over before that is deleted.
    """

    began_at = models.DateTimeField(_("began"), default=timezone.now)
    declared_at = models.DateTimeField(_("declared"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    last_fault_at = models.DateTimeField(_("last fault"), default=timezone.now)
    # An Ending: that of the last turn that failed for it.
    ending = models.CharField(_("fault"), max_length=20)
    faults = models.PositiveIntegerField(_("answers that failed"), default=1)
    failed_probes = models.PositiveIntegerField(_("checks that failed"), default=0)

    # No column: whether the server answered to its name when it was last looked at.
    is_reachable = False

    class Meta:
        verbose_name = _("model outage")
        verbose_name_plural = _("model outages")
        ordering = ["-began_at"]
        indexes = [models.Index(fields=["began_at"], name="outage_open", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M}"
