"""The field of a form in which people write sentences: nothing in it is cut, and what is too long is said to be."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.texts import normalize_text


class ProseField(forms.CharField):
    """Text of many words, normalised (accounts.texts).

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
            raise ValidationError(length_said(len(text), self.limit), code="max_length")


def length_said(length: int, limit: int) -> str:
    """A text is too long: how long it is, and how long it may be."""
    return _(
        "This is %(length)s characters long, and %(limit)s is the most that fits. What you wrote is still here: "
        "shorten it and send it again."
    ) % {"length": count_said(length), "limit": count_said(limit)}


def count_said(count: int) -> str:
    return number_format(count, force_grouping=True)
