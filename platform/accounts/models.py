"""Accounts."""

import zoneinfo
from typing import ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.names import NameField
from accounts.zones import get_default_zone, list_zone_names
from kit.email_addresses import canonicalize_email, validate_email_address
from kit.languages import get_page_language


class Role(models.TextChoices):
    TEEN = "teen", _("teen")
    PARENT = "parent", _("parent or carer")
    ADMIN = "admin", _("admin")


def default_time_zone() -> str:
    return get_default_zone()


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone that this machine knows."""
    if name not in list_zone_names():
        raise ValidationError(_("%(name)s is not a time zone."), params={"name": name})


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, username: str, password: str | None = None, **fields: object) -> "Person":
        """Create a person with a hashed password. Without a password, no one can sign in as them."""
        person = self.model(username=self.model.normalize_username(username), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, username: str, password: str | None = None, **fields: object) -> "Person":
        return self.create_user(
            username, password, role=Role.ADMIN, is_staff=True, is_superuser=True, **fields
        )


class Person(AbstractBaseUser, PermissionsMixin):
    """A person's account. Teens have a username and no email address. We only store what the product uses."""

    username = models.CharField(
        _("username"),
        max_length=60,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": _("That username is taken.")},
    )
    display_name = NameField(_("display name"), blank=True)
    email = models.EmailField(_("email"), blank=True)
    role = models.CharField(_("role"), max_length=10, choices=Role)
    time_zone = models.CharField(
        _("time zone"), max_length=60, default=default_time_zone, validators=[validate_time_zone]
    )
    # False while the zone is our guess; pages then say so.
    is_zone_confirmed = models.BooleanField(_("time zone confirmed"), default=False, editable=False)
    # Of emails to them, and of pages where they chose it on their account page.
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, default=get_page_language
    )
    born = models.DateField(
        _("birth month"),
        null=True,
        blank=True,
        help_text=_("The first day of the birth month. We don’t ask for the day."),
    )
    is_active = models.BooleanField(_("can sign in"), default=True)
    is_staff = models.BooleanField(_("can use the admin pages"), default=False)
    # When an account that waits for confirmation signed up; None for all others (accounts.confirmations).
    unconfirmed_since = models.DateTimeField(_("unconfirmed since"), null=True, blank=True, editable=False)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    # When a parent helped with a new password. Private content from before then is closed (ADR 17).
    sealed_before = models.DateTimeField(null=True, blank=True, editable=False)
    # Browsers that were remembered before this are no longer trusted (ADR 45).
    devices_trusted_since = models.DateTimeField(
        _("trusted devices reset at"), null=True, blank=True, editable=False
    )

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="person_role_known"),
            models.CheckConstraint(
                condition=models.Q(born__isnull=True) | models.Q(born__day=1), name="person_born_in_a_month"
            ),
            # Sign-in is case-insensitive, so two usernames must not differ only in case.
            models.UniqueConstraint(
                Lower("username"),
                name="person_username_in_any_case",
                violation_error_message=_("That username is taken."),
            ),
            # Of several simultaneous sign-ups with one address, only one creates the account.
            models.UniqueConstraint(
                Lower("email"),
                condition=~models.Q(email=""),
                name="person_email_once",
                violation_error_message=_("Another account already uses that address."),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username

    def clean(self) -> None:
        """Store the email address in its canonical form. Raises ValidationError if it is not an address."""
        super().clean()
        if self.email:
            self.email = canonicalize_email(self.email)
            try:
                validate_email_address(self.email)
            except ValidationError as error:
                raise ValidationError({"email": error}) from error

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


class MailboxConfirmation(models.Model):
    """When the owner of an address first confirmed it. Deleted with the address."""

    address = models.OneToOneField(EmailAddress, on_delete=models.CASCADE, related_name="confirmation")
    confirmed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("email confirmation")
        verbose_name_plural = _("email confirmations")

    def __str__(self) -> str:
        return f"{self.confirmed_at:%Y-%m-%d}"


class Session(AbstractBaseSession):
    """A sign-in session, or a visitor's. Its person is also in its data, which is signed but not indexed."""

    # Without a constraint: a person who is deleted while they sign in must not make the engine retry for ever.
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="sessions", db_constraint=False
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from accounts.session_store import SessionStore  # noqa: PLC0415 - it imports this module

        return SessionStore
