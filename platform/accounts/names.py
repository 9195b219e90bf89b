"""What people may be called."""

import secrets

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 12


def made_up_username() -> str:
    """A username for somebody who signs in by email. It is shown to nobody, and says nothing about them."""
    return "person-" + "".join(secrets.choice(ALPHABET) for _number in range(LENGTH))


def validate_own_username(username: str) -> None:
    """Raise ValidationError for a username that reads like an email address: sign-in takes either."""
    if "@" in username:
        raise ValidationError(_("Choose a username without @"), code="address")


def validate_one_line(name: str) -> None:
    """Raise ValidationError for characters that cannot be seen, or that turn the text around them."""
    if not name.isprintable():
        raise ValidationError(_("Type the name on one line, in letters"), code="letters")
