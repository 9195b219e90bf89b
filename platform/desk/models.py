"""Invitations to the team, and what changed in its roles."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from desk.roles import StaffRole
from kit.email_addresses import MAX_EMAIL_LENGTH
from kit.languages import get_page_language
from kit.tokens import generate_token

INVITATION_LIFETIME = timedelta(days=7)
PERSON = settings.AUTH_USER_MODEL


class StaffInvitation(models.Model):
    """An invitation to the team, by email. It can be used once, within a week, by the owner of its address."""

    email = models.EmailField(_("email"), max_length=MAX_EMAIL_LENGTH)
    roles = ArrayField(models.CharField(max_length=20, choices=StaffRole), verbose_name=_("roles"))
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default=get_page_language
    )
    token = models.CharField(max_length=40, unique=True, default=generate_token, editable=False)
    invited_by = models.ForeignKey(
        PERSON, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    accepted_by = models.ForeignKey(
        PERSON, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("accepted by")
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("invitation to the team")
        verbose_name_plural = _("invitations to the team")
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="staff_invitation_ends_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.created_at:%Y-%m-%d}"

    @property
    def expires_at(self) -> datetime:
        return self.created_at + INVITATION_LIFETIME

    @property
    def role_labels(self) -> list[str]:
        return [str(StaffRole(role).label) for role in self.roles]


class RoleChange(models.Model):
    """What someone's roles were, and what they became. Written by `desk.team`, never changed.

    The names outlive an account only until it is erased.
    """

    at = models.DateTimeField(_("at"), default=timezone.now)
    person = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    person_name = models.CharField(_("person"), max_length=200)
    by = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(_("by"), max_length=200)
    before = ArrayField(models.CharField(max_length=20), verbose_name=_("before"), default=list)
    after = ArrayField(models.CharField(max_length=20), verbose_name=_("after"), default=list)

    class Meta:
        verbose_name = _("change of roles")
        verbose_name_plural = _("changes of roles")
        indexes = [models.Index(fields=["-at"], name="role_change_newest")]
        # Owners alone have it, as they have every permission.
        permissions = [("manage_team", _("Can invite people to the team and change roles"))]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}, {self.person_name}"

    @property
    def before_labels(self) -> list[str]:
        return [str(StaffRole(role).label) for role in self.before]

    @property
    def after_labels(self) -> list[str]:
        return [str(StaffRole(role).label) for role in self.after]
