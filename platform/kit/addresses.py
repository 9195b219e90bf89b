"""One way to write each email address, by which it is kept, compared and counted (ADR 39)."""

import re
import unicodedata
from typing import Any

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

LONGEST_EMAIL = 254  # RFC 5321's longest path, without its brackets

LIKE_THIS = _("Type an email address like name@example.org")
TOO_LONG = _("Type an email address of at most 254 characters")
# Spaces of every kind, and what cannot be seen, around an address that was pasted.
_UNSEEN = r"[\s\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+"
_AROUND = re.compile(rf"^{_UNSEEN}|{_UNSEEN}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Of the providers whose boxes are known to be the same with and without dots.
_DOTLESS = {"gmail.com", "googlemail.com"}


def canonical_address(typed: str) -> str:
    """An address as it is kept and written to: its domain in small ASCII letters (IDNA 2008), full-width letters plain.

    The part before the @ keeps its case, which is its owner's affair; `same_address` compares in any case. What is no
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


def shown_address(email: str) -> str:
    """An address as its owner knows it: bücher.de, and not xn--bcher-kva.de."""
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except UnicodeError:
        return email


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are one."""
    return canonical_address(one).casefold() == canonical_address(other).casefold()


def mailbox_of(email: str) -> str:
    """The box that an address most likely leads to, for counting what is sent there: without case, tag and dots.

    Never to be written to, or to be taken for its owner: at some providers these are different boxes.
    """
    local, _at, domain = canonical_address(email).casefold().rpartition("@")
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '') if domain in _DOTLESS else local}@{domain}"


def validate_address(email: str) -> None:
    """Raise ValidationError for what cannot be kept or written to. Django's own rule allows controls between quotes."""
    if len(email) > LONGEST_EMAIL:
        raise ValidationError(TOO_LONG, code="max_length")
    if _CONTROL.search(email):
        raise ValidationError(LIKE_THIS, code="invalid")
    validate_email(email)


class AddressField(forms.EmailField):
    """A field for an email address. What it gives is canonical."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["error_messages"] = {"required": _("Type your email address")} | (
            kwargs.get("error_messages") or {}
        )
        super().__init__(**kwargs)
        hold_to_canon(self)


def hold_to_canon(field: forms.Field) -> None:
    """Make a field for an address, also one of a library's form, take and give canonical addresses alone."""
    plain = field.to_python
    field.to_python = lambda value: canonical_address(plain(value) or "")  # type: ignore[method-assign]
    # Ours stands for the library's own, so that an address is refused once and not twice.
    field.validators = [validate_address]
    field.error_messages = {**field.error_messages, "invalid": field.error_messages.get("invalid", LIKE_THIS)}
