"""The canonical form of an email address, in which it is stored, compared and counted (ADR 39)."""

import re
import unicodedata
from typing import Any

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

MAX_EMAIL_LENGTH = 254  # RFC 5321's longest path, without its brackets

INVALID_EMAIL = _("Type an email address like name@example.org")
EMAIL_TOO_LONG = _("Type an email address of at most 254 characters")
# Spaces of every kind and invisible characters, which surround a pasted address.
_INVISIBLE = r"[\s\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
_AROUND = re.compile(rf"^{_INVISIBLE}|{_INVISIBLE}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Providers that ignore dots in the local part.
_DOTLESS = {"gmail.com", "googlemail.com"}


def canonicalize_email(typed: str) -> str:
    """Return an address in the form in which it is stored: NFKC, its domain in lower-case ASCII (IDNA 2008).

    The local part keeps its case; `is_same_email` ignores case. Text that is not an address is only stripped, and left
    for a validator to reject.
    """
    text = unicodedata.normalize("NFKC", _AROUND.sub("", typed))
    local, at, domain = text.rpartition("@")
    if not at or not local or _CONTROL.search(text):
        return text
    domain = domain.replace("\u3002", ".").rstrip(".")
    try:
        domain = idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:
        # A domain that IDNA rejects, such as "localhost_", is left to the validator.
        domain = domain.casefold()
    return f"{local}@{domain.lower()}"


def format_email(email: str) -> str:
    """Return an address for display: bücher.de instead of xn--bcher-kva.de."""
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except UnicodeError:
        return email


def is_same_email(email: str, other: str) -> bool:
    """Return whether two addresses are the same, ignoring case."""
    return canonicalize_email(email).casefold() == canonicalize_email(other).casefold()


def get_mailbox_key(email: str) -> str:
    """Return a key for the mailbox that an address most likely leads to: lower case, without its tag and Gmail's dots.

    Use it for rate limits only, never to send to or to identify a person: some providers treat these as different
    mailboxes.
    """
    local, _at, domain = canonicalize_email(email).casefold().rpartition("@")
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '') if domain in _DOTLESS else local}@{domain}"


def validate_email_address(email: str) -> None:
    """Raise ValidationError for an invalid address. Unlike Django's validator, rejects quoted control characters."""
    if len(email) > MAX_EMAIL_LENGTH:
        raise ValidationError(EMAIL_TOO_LONG, code="max_length")
    if _CONTROL.search(email):
        raise ValidationError(INVALID_EMAIL, code="invalid")
    validate_email(email)


class CanonicalEmailField(forms.EmailField):
    """An email field whose cleaned value is canonical."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["error_messages"] = {"required": _("Type your email address")} | (
            kwargs.get("error_messages") or {}
        )
        super().__init__(**kwargs)
        make_email_field_canonical(self)


def make_email_field_canonical(field: forms.Field) -> None:
    """Make an existing form field, such as one of django-allauth's, clean to a canonical address."""
    plain = field.to_python
    field.to_python = lambda value: canonicalize_email(plain(value) or "")  # type: ignore[method-assign]
    # Replace the field's own validators, or an invalid address gets two error messages.
    field.validators = [validate_email_address]
    field.error_messages = {
        **field.error_messages,
        "invalid": field.error_messages.get("invalid", INVALID_EMAIL),
    }
