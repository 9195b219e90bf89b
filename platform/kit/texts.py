"""Normalizes the text that people type, and limits its length.

A letter can be one character or a letter and a mark, and a line can end in three ways. Normalized text can be searched,
and the browser (static/js/character-count.js) and the server count the same number of characters."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _

# The line and page ends of browsers, PDF files and other systems.
_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
# Soft hyphens and byte order marks, which come along with copied text.
_LEFT_OUT = dict.fromkeys(map(ord, "\u00ad\ufeff"))
# Control characters, except tab and line feed. PostgreSQL stores no NUL.
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ") | {ord("\t"): "\t", ord("\n"): "\n"}
# Lone surrogates, which JSON can contain but UTF-8 cannot.
_HALVES = re.compile("[\ud800-\udfff]")


def normalize_text(text: str) -> str:
    """Return the text as it is judged, counted, stored and searched: NFC, with "\\n" as line end.

    Keeps joiners and direction marks, which emoji, Persian, Hindi and Hebrew need. Does not truncate or strip.
    """
    text = _LINE_END.sub("\n", text)
    text = _HALVES.sub("\ufffd", text.translate(_CONTROLS).translate(_LEFT_OUT))
    return unicodedata.normalize("NFC", text)


def normalize_line(text: str) -> str:
    """Normalize a single line, such as a title or a query, and collapse its white space."""
    return " ".join(normalize_text(text).split())


def parse_whole_number(text: str, *, below: int) -> int | None:
    """Return the number that plain digits are, or None if they are anything else or a number from `below` on.

    `int` refuses thousands of digits with a ValueError, which a check for digits does not expect.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(below))):
        return None
    number = int(text)
    return number if number < below else None


class ProseField(forms.CharField):
    """A text area whose value is normalized.

    It has no `maxlength`, because browsers silently truncate pasted text. Instead static/js/character-count.js counts
    against `data-limit`, and the server rejects text that is too long and shows it again.
    """

    widget = forms.Textarea

    def __init__(self, *, max_length: int | None = None, **how: Any) -> None:
        super().__init__(**how)
        self.limit = max_length
        if max_length:
            self.validators.append(LengthValidator(max_length))
            self.widget.attrs["data-limit"] = str(max_length)

    def to_python(self, value: Any) -> str | None:
        return super().to_python(normalize_text(value) if isinstance(value, str) else value)


class LengthValidator:
    """Raises ValidationError, with both lengths, for a text of more than `limit` characters."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, text: str) -> None:
        if len(text) > self.limit:
            raise ValidationError(format_length_error(len(text), self.limit), code="max_length")


def format_length_error(length: int, limit: int) -> str:
    """Return the error message for a text that is too long."""
    return _(
        "This is %(length)s characters long; the limit is %(limit)s. What you wrote is still here: please shorten it "
        "and send it again."
    ) % {"length": format_character_count(length), "limit": format_character_count(limit)}


def format_character_count(count: int) -> str:
    return number_format(count, force_grouping=True)
