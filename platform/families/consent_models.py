"""Models of consent, and of what prevents bypassing it (ADR 41)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.names import MAX_STORED_NAME_LENGTH

PERSON = settings.AUTH_USER_MODEL


class ParentVerification(models.TextChoices):
    """How the site verifies that an account belongs to a parent."""

    NONE = "none", _("no check: the site trusts what the parent says")
    MAILBOX = "mailbox", _("an email address that was confirmed some days ago")
    ORGANIZATION = "organization", _("approval by the organization")


class CheckMethod(models.TextChoices):
    """How staff know that two people are parent and teen. Nothing else about it is kept."""

    MET = "met", _("we met them")
    CALLED = "called", _("we spoke by phone or video")
    SIGNED = "signed", _("we have a signed form")
    SCHOOL = "school", _("their school or club told us")


class ConsentPolicy(models.Model):
    """The site's choice of how parents are verified, one row; families.verification has the default."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    verification = models.CharField(_("how parents are verified"), max_length=12, choices=ParentVerification)

    class Meta:
        verbose_name = _("verification of parents")
        verbose_name_plural = _("verification of parents")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="consent_policy_is_one")]

    def __str__(self) -> str:
        return str(self.get_verification_display())


class Consent(models.Model):
    """Evidence that someone agreed to a teen's use of the tutor: to which text, when, and in which country."""

    teen = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="consents")
    given_by = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="consents_given")
    # Their name at the time, in case their account is erased before the teen's.
    given_by_name = models.CharField(max_length=MAX_STORED_NAME_LENGTH)
    given_as = models.CharField(max_length=10, choices=[("teen", _("the teen")), ("parent", _("a parent"))])
    version = models.CharField(max_length=20)
    text_hash = models.CharField(max_length=64)
    # How the parent was verified at the time.
    verification = models.CharField(
        max_length=12, choices=ParentVerification, default=ParentVerification.NONE
    )
    country = models.CharField(max_length=2)
    age = models.PositiveSmallIntegerField(null=True, help_text=_("the teen’s age in whole years"))
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-given_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["teen", "version"], condition=Q(withdrawn_at=None), name="consent_once_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version}, {self.given_at:%Y-%m-%d}"


class Residence(models.Model):
    """The country where a teen lives, as first recorded. Only staff can correct it (Correction)."""

    teen = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="residence")
    country = models.CharField(_("country"), max_length=2)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("country of a teen")
        verbose_name_plural = _("countries of teens")

    def __str__(self) -> str:
        return self.country


class Correction(models.Model):
    """A correction of a teen's country or birth month by staff. Never changed or deleted."""

    class Fact(models.TextChoices):
        COUNTRY = "country", _("country")
        BORN = "born", _("birth month")

    teen = models.ForeignKey(
        PERSON, verbose_name=_("teen"), on_delete=models.CASCADE, related_name="corrections"
    )
    fact = models.CharField(_("what"), max_length=7, choices=Fact)
    before = models.CharField(_("before"), max_length=7, blank=True)
    after = models.CharField(_("after"), max_length=7)
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(
        PERSON, verbose_name=_("by"), on_delete=models.SET_NULL, null=True, related_name="corrections_made"
    )
    at = models.DateTimeField(_("when"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("correction of country or birth month")
        verbose_name_plural = _("corrections of country or birth month")
        ordering = ["-at"]

    def __str__(self) -> str:
        # Without the name: the admin log keeps titles longer than the person's account.
        return f"{self.get_fact_display()}, {self.at:%Y-%m-%d}"


class CoolingOff(models.Model):
    """Keeps the tutor closed to a teen after a parent who consented or paused was unlinked or withdrew."""

    teen = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="cooling_offs")
    parent = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    until = models.DateTimeField()

    class Meta:
        verbose_name = _("cooling-off period")
        verbose_name_plural = _("cooling-off periods")

    def __str__(self) -> str:
        return f"{self.until:%Y-%m-%d}"


class ParentCheck(models.Model):
    """A record that staff know the two people of a link as parent and teen. Deleted with the link."""

    link = models.OneToOneField(
        "families.Link", verbose_name=_("link"), on_delete=models.CASCADE, related_name="check_of_parent"
    )
    method = models.CharField(_("how we know"), max_length=8, choices=CheckMethod)
    by = models.ForeignKey(
        PERSON, verbose_name=_("by"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(_("when"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("approval of a parent")
        verbose_name_plural = _("approvals of parents")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d}"
