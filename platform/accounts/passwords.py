"""Breach check with Pwned Passwords. Only the first characters of the password's hash are sent."""

import hashlib
import logging
from http.client import HTTPException
from urllib.request import Request

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.demo import is_demo_password
from kit.outgoing import open_without_redirects

logger = logging.getLogger(__name__)

PREFIX_LENGTH = 5
TIMEOUT_SECONDS = 1.0
MAX_RESPONSE_BYTES = 256 * 1024


class LeakedPasswordValidator:
    """Refuses a password that appeared in a data breach. If the service doesn't answer, the password passes."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a leaked password. Asks a remote service unless the setting is empty."""
        del user
        if settings.PWNED_PASSWORDS_URL and _is_leaked(password):
            raise ValidationError(
                _("This password appeared in a data breach. Choose another one."), code="leaked"
            )

    def get_help_text(self) -> str:
        return _("It must not appear in a known data breach.")


class DemoPasswordValidator:
    """Refuses the demo's passwords, which open no account outside demo mode."""

    def validate(self, password: str, user: object = None) -> None:
        """Raise ValidationError for a password of the published demo accounts, outside demo mode."""
        del user
        if not settings.DEMO and is_demo_password(password):
            raise ValidationError(
                _("This password is published with this site’s demo. Choose another one."),
                code="published",
            )

    def get_help_text(self) -> str:
        return _("It must not be one of the demo’s passwords.")


def _is_leaked(password: str) -> bool:
    digest = hashlib.sha1(password.encode(errors="replace"), usedforsecurity=False).hexdigest().upper()
    try:
        return digest[PREFIX_LENGTH:] in _fetch_leaked_suffixes(digest[:PREFIX_LENGTH])
    except (OSError, HTTPException, ValueError) as error:
        logger.warning(
            "Pwned Passwords did not answer (%s); the password passed unchecked.", type(error).__name__
        )
        return False


def _fetch_leaked_suffixes(prefix: str) -> set[str]:
    """Return the suffixes of all leaked hashes with this prefix.

    Responses are padded to one size; padding has count 0.
    """
    url = f"{settings.PWNED_PASSWORDS_URL}/range/{prefix}"
    request = Request(url, headers={"Add-Padding": "true", "User-Agent": "Kitchen Table"})  # noqa: S310 - the address is from our settings
    with open_without_redirects(request, timeout=TIMEOUT_SECONDS) as reply:
        lines = reply.read(MAX_RESPONSE_BYTES).decode("ascii").split()
    pairs = (line.partition(":") for line in lines)
    return {suffix.upper() for suffix, _colon, count in pairs if int(count)}
