"""The one rule for text that people type: how it is spelled inside, and how long it is.

A letter can be written as one character or as a letter and its mark, and a line can end in three ways. A search finds
what it looks for, and two programs count the same, only where one way is used. static/js/letters.js counts alike."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _

# What browsers, PDF files and other systems end a line or a page with.
_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
# A place where a word may be broken, and the mark at the beginning of a file: both come along with what is copied.
_LEFT_OUT = dict.fromkeys(map(ord, "\u00ad\ufeff"))
# Controls that say nothing in prose; PostgreSQL takes no NUL. A tab and a line's end are kept.
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ") | {ord("\t"): "\t", ord("\n"): "\n"}
# Half of a character, as a program's JSON can have it: no database and no page can write that.
_HALVES = re.compile("[\ud800-\udfff]")


def normalize_text(text: str) -> str:
    """Text as it is judged, counted, stored and searched: composed letters (NFC), and "\\n" at the end of a line.

    Joiners and marks of direction stay, as emoji, Persian, Hindi and Hebrew need them. Nothing is cut or stripped.
    """
    text = _LINE_END.sub("\n", text)
    text = _HALVES.sub("\ufffd", text.translate(_CONTROLS).translate(_LEFT_OUT))
    return unicodedata.normalize("NFC", text)


def normalize_line(text: str) -> str:
    """The same for one line, such as a title or a search: each run of white space is one space."""
    return " ".join(normalize_text(text).split())


class ProseField(forms.CharField):
    """Text of many words, normalised (kit.texts).

    Its box has no `maxlength`, with which a browser cuts what is pasted and says nothing. Instead `data-limit` has
    static/js/letters.js count, and the server refuses what is too long with the words still in the box.
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
    """Raise ValidationError for a text of more than `limit` characters, which says how many it has."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, text: str) -> None:
        if len(text) > self.limit:
            raise ValidationError(format_length_error(len(text), self.limit), code="max_length")


def format_length_error(length: int, limit: int) -> str:
    """A text is too long: how long it is, and how long it may be."""
    return _(
        "This is %(length)s characters long, and %(limit)s is the most that fits. What you wrote is still here: "
        "shorten it and send it again."
    ) % {"length": format_character_count(length), "limit": format_character_count(limit)}


def format_character_count(count: int) -> str:
    return number_format(count, force_grouping=True)
