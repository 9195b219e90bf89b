"""A text area never cuts text: too long a text is refused, with its length."""

import unicodedata

import pytest
from django import forms
from django.utils import translation

from kit.texts import ProseField


class Letter(forms.Form):
    words = ProseField(max_length=2000)


def errors(words: str) -> list[str]:
    return [str(error) for error in Letter({"words": words}).errors.get("words", [])]


@pytest.mark.parametrize(
    "words",
    [
        "x" * 2000,
        "🫖" * 2000,
        "a\r\n" * 999 + "nd",
        unicodedata.normalize("NFD", "é" * 2000),
        f"\r\n  {'x' * 2000} \r\n",
    ],
)
def test_a_prose_field_counts_characters_as_people_do(words: str) -> None:
    assert errors(words) == []


def test_the_error_has_the_length_and_the_limit() -> None:
    with translation.override("en"):
        [message] = errors("🫖" * 2001)
    assert "2,001 characters long; the limit is 2,000" in message
    with translation.override("es"):
        [message] = errors("🫖" * 2001)
    assert "2,001 caracteres; el límite es 2,000" in message


def test_a_prose_fields_box_shows_what_was_typed_and_lets_the_browser_cut_nothing() -> None:
    form = Letter({"words": "y" * 2001})
    box = str(form["words"])
    assert "y" * 2001 in box
    assert 'data-limit="2000"' in box
    assert "maxlength" not in box
