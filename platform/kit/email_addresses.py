"""One way to write each email address, by which it is kept, compared and counted (ADR 39)."""

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
# Spaces of every kind, and what cannot be seen, around an address that was pasted.
_UNSEEN = r"[\s\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
_AROUND = re.compile(rf"^{_UNSEEN}|{_UNSEEN}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Of the providers whose boxes are known to be the same with and without dots.
_DOTLESS = {"gmail.com", "googlemail.com"}


def canonicalize_email(typed: str) -> str:
    """An address as it is kept and written to: its domain in small ASCII letters (IDNA 2008), full-width letters plain.

    The part before the @ keeps its case, which is its owner's affair; `is_same_email` compares in any case. What is no
    address is given back as it is, without the spaces around it, for a validator to refuse.
    """
    text = unicodedata.normalize("NFKC", _AROUND.sub("", typed))
    local, at, domain = text.rpartition("@")
    if not at or not local or _CONTROL.search(text):
        return text
    domain = domain.replace("\u3002", ".").rstrip(".")
    try:
        domain = idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:
        # Such as "localhost_", or a label that is too long: not ours to judge.
        domain = domain.casefold()
    return f"{local}@{domain.lower()}"


def format_email(email: str) -> str:
    """An address as its owner knows it: bücher.de, and not xn--bcher-kva.de."""
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except UnicodeError:
        return email


def is_same_email(one: str, other: str) -> bool:
    """Whether two addresses are one."""
    return canonicalize_email(one).casefold() == canonicalize_email(other).casefold()


def get_mailbox_key(email: str) -> str:
    """The box that an address most likely leads to, for counting what is sent there: without case, tag and dots.

    Never to be written to, or to be taken for its owner: at some providers these are different boxes.
    """
    local, _at, domain = canonicalize_email(email).casefold().rpartition("@")
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '') if domain in _DOTLESS else local}@{domain}"


def validate_email_address(email: str) -> None:
    """Raise ValidationError for what cannot be kept or written to. Django's own rule allows controls between quotes."""
    if len(email) > MAX_EMAIL_LENGTH:
        raise ValidationError(EMAIL_TOO_LONG, code="max_length")
    if _CONTROL.search(email):
        raise ValidationError(INVALID_EMAIL, code="invalid")
    validate_email(email)


class CanonicalEmailField(forms.EmailField):
    """A field for an email address. What it gives is canonical."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["error_messages"] = {"required": _("Type your email address")} | (
            kwargs.get("error_messages") or {}
        )
        super().__init__(**kwargs)
        make_email_field_canonical(self)


def make_email_field_canonical(field: forms.Field) -> None:
    """Make a field for an address, also one of a library's form, take and give canonical addresses alone."""
    plain = field.to_python
    field.to_python = lambda value: canonicalize_email(plain(value) or "")  # type: ignore[method-assign]
    # Ours stands for the library's own, so that an address is refused once and not twice.
    field.validators = [validate_email_address]
    field.error_messages = {
        **field.error_messages,
        "invalid": field.error_messages.get("invalid", INVALID_EMAIL),
    }
