"""The site's adapter for django-allauth."""

import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.age_screen import preserve_too_young
from accounts.confirmations import erase_other_unconfirmed
from accounts.models import Person, Role
from accounts.names import generate_username
from kit.email_addresses import canonicalize_email, validate_email_address
from kit.site import build_absolute_url, move_to_site_host
from mail.services import queue_email

REAUTHENTICATION_LABELS = {
    "reauthenticate": _("With your password"),
    "mfa_reauthenticate": _("With a code"),
    "mfa_reauthenticate:webauthn": _("With a passkey"),
}
EMAIL_STAGE = "allauth.account.stages.EmailVerificationStage"


class AccountAdapter(DefaultAccountAdapter):
    error_messages: dict[str, str | Promise] = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("The username or password is wrong."),
        "email_password_mismatch": _("The username or password is wrong."),
        "incorrect_password": _("That password is wrong."),
        "enter_current_password": _("That password is wrong."),
        "incorrect_code": _("That code is wrong. Wait for the next one and try again."),
        "too_many_login_attempts": _("Too many tries. Wait five minutes, then try again."),
        "rate_limited": _("Too many tries. Wait five minutes, then try again."),
        "username_taken": _("That username is taken."),
        "email_taken": _("Another account already uses that address."),
        "duplicate_email": _("That’s already your address."),
        "same_as_current": _("That’s the same as before."),
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue an email in the outbox. The same text to the same address within a minute is sent once."""
        # allauth builds links from the Host header, which can be forged.
        links = {name: move_to_site_host(link) for name, link in context.items() if name.endswith("_url")}
        own = {"email": email, "reset_link": build_absolute_url(reverse("account_reset_password"))}
        person = context.get("user")
        with translation.override(person.language if isinstance(person, Person) else get_language()):
            self._queue(template_prefix, email, context | links | own)

    def _queue(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        email_message = self.render_mail(template_prefix, email, context)
        subject, text = str(email_message.subject), str(email_message.body)
        identity = "\n".join([email, subject, text, f"{timezone.now():%Y-%m-%d %H:%M}"])
        template_name = template_prefix.rpartition("/")[2]
        key = f"account.{template_name}:{hashlib.sha256(identity.encode()).hexdigest()}"
        with transaction.atomic():
            queue_email(key=key, to=email, subject=subject, text=text)

    def new_user(self, request: HttpRequest) -> Person:
        """Return a new adult account. Teens' accounts are created by `accounts.services.create_teen`."""
        return Person(role=Role.PARENT, unconfirmed_since=timezone.now())

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm an address and return whether that worked.

        False if another account has confirmed the address, or if its account has been deleted meanwhile.
        """
        try:
            with transaction.atomic():
                if not Person.objects.select_for_update().filter(pk=email_address.user_id).exists():
                    return False
                erase_other_unconfirmed(email_address=email_address)
                return bool(super().confirm_email(request, email_address))
        except IntegrityError:
            return False

    def populate_username(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Set a generated username: allauth empties it because its form doesn't ask for one."""
        assert isinstance(user, Person)  # noqa: S101 - for the type checker
        user.username = generate_username()

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Person | None:
        """Return the person, or None.

        None also for a deactivated account, so the answer doesn't reveal that it exists.
        """
        person = super().authenticate(request, **credentials)
        return person if isinstance(person, Person) and person.is_active else None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Do nothing: `kit.rate_limits` has already counted the attempt."""

    def logout(self, request: HttpRequest) -> None:
        """End the session, but remember in this browser that someone was too young."""
        with preserve_too_young(request):
            super().logout(request)

    def get_login_stages(self) -> list[str]:
        stages: list[str] = super().get_login_stages()
        return ["accounts.adapter.ConfirmedEmailStage" if stage == EMAIL_STAGE else stage for stage in stages]

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [
            method | {"description": REAUTHENTICATION_LABELS.get(method["id"], method["description"])}
            for method in methods
        ]

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - the server sets it from the connection

    def is_safe_url(self, url: str) -> bool:
        """Return whether redirecting to `url` is safe.

        False for an invalid URL such as `http://[::1`, on which allauth raises.
        """
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def clean_email(self, email: str) -> str:
        cleaned = canonicalize_email(email)
        validate_email_address(cleaned)
        return cleaned

    def clean_username(self, username: str, shallow: bool = False) -> str:  # noqa: FBT001, FBT002
        """Validate a username. Raises ValidationError."""
        if "\0" in username:
            raise ValidationError(_("Choose a username with only letters and numbers."))
        cleaned: str = super().clean_username(username, shallow)
        return cleaned


class ConfirmedEmailStage(EmailVerificationStage):
    """Require a confirmed email address at sign-in. People without an address, such as teens, pass."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Skip the stage for people without an email address: teens."""
        person = self.login.user
        if isinstance(person, Person) and not person.email:
            return None, True
        response, goes_on = super().handle()  # type: ignore[no-untyped-call]
        return response, goes_on
