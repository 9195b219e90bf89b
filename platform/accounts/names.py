"""Validation of people's names: one rule for every form in which a name is entered (ADR 39)."""

import re
import secrets
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from kit.hyperlinks import has_hyperlink

USERNAME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
USERNAME_LENGTH = 12

# In visible characters: a letter with its accents is one.
MAX_NAME_LENGTH = 60
# In code points, as stored. Notices quote names and have 400 code points in total.
MAX_STORED_NAME_LENGTH = 150
# Vietnamese, Hebrew with its points and Tibetan need at most this many marks on one letter.
MAX_MARKS = 4
# A name with more digits looks like a phone number, which email programs turn into a link.
MAX_DIGITS = 6

ONE_LINE_ERROR = _("Enter the name on one line, in letters.")
ADDRESS_ERROR = _("Enter a name without a web address, email address or phone number.")
TOO_LONG_ERROR = _("Enter a name with at most 60 characters.")

_JOINER, _NON_JOINER, _EMOJI_STYLE = "\u200d", "\u200c", "\ufe0f"
# Invisible characters that come with pasted text. They would make equal-looking names differ.
_REMOVED = dict.fromkeys(
    [
        0x00AD,  # soft hyphen
        0x034F,  # grapheme joiner
        0x061C,  # Arabic letter mark
        *(0x115F, 0x1160, 0x3164, 0xFFA0),  # Hangul fillers
        *(0x17B4, 0x17B5),  # Khmer vowels that are not written
        0x180E,  # Mongolian vowel separator
        *(0x200B, 0x200E, 0x200F),  # zero-width space, marks of direction
        *(0x202A, 0x202B, 0x202C),  # embeddings, without the overrides
        *range(0x2060, 0x2065),  # word joiner, invisible operators
        *range(0x2066, 0x206A),  # isolates
        0xFEFF,  # byte order mark
    ]
)
_SPACES = re.compile(r"[\s\u2800]+")
# Line ends and controls, except the tab, which is pasted from spreadsheets.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# A regional flag: the black flag, invisible letters and an end tag.
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")
# Scripts whose letters change shape with a joiner between them: Arabic to Sinhala, Tibetan, Myanmar, Khmer, Mongolian.
_JOINING = re.compile(
    r"[\u0600-\u0dff\u0f00-\u109f\u1780-\u18af\u1b00-\u1bff\ua800-\ua8ff\U00010a00-\U00011fff]"
)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_REGIONS = range(0x1F1E6, 0x1F200)


def generate_username() -> str:
    """Return a random username for a person who signs in by email. It is never shown."""
    return "person-" + "".join(secrets.choice(USERNAME_ALPHABET) for _number in range(USERNAME_LENGTH))


def validate_own_username(username: str) -> None:
    """Raise ValidationError for a username that looks like an email or web address.

    The sign-in form takes a username or an email address, and emails quote usernames.
    """
    if "@" in username:
        raise ValidationError(_("Choose a username without @."), code="address")
    if has_hyperlink(username):
        raise ValidationError(_("Choose a username that doesn’t look like a web address."), code="address")


def normalize_name(typed: str) -> str:
    """Return a name as it is stored: NFC, with single plain spaces and without invisible characters.

    Joiners stay where they change how the name looks: between letters of joining scripts and between emoji.
    Controls and direction overrides stay, for validate_name to refuse.
    """
    text = unicodedata.normalize("NFC", typed).translate(_REMOVED)
    if _CONTROLS.search(text.strip()):
        return text.strip()
    text = _SPACES.sub(" ", text).strip()
    characters = [
        character
        for at, character in enumerate(text)
        if character not in {_JOINER, _NON_JOINER} or _changes_look(text, at)
    ]
    return "".join(characters)


def _changes_look(text: str, at: int) -> bool:
    """Return whether the joiner at `at` changes how the letters or emoji around it look."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not before:
        return False
    # A consonant without its vowel may end in a joiner, also at the end of a word.
    if unicodedata.combining(before) == 9:  # noqa: PLR2004 - Unicode's class of viramas
        return True
    if text[at] == _JOINER and _is_emoji(after):
        return _is_emoji(before) or before == _EMOJI_STYLE or ord(before) in _SKIN_TONES
    return bool(_JOINING.match(before) and after and _JOINING.match(after))


def _is_emoji(character: str) -> bool:
    return bool(character) and (
        unicodedata.category(character) == "So" or ord(character) in range(0x1F000, 0x1FB00)
    )


def count_visible_characters(name: str) -> int:
    """Count characters as people see them: marks, joiners and what they join count with the letter before."""
    count = 0
    before = ""
    is_half_a_flag = False
    for character in _FLAG.sub("\U0001f3f4", name):
        is_region = ord(character) in _REGIONS
        is_joined = (
            before == _JOINER
            or character in {_JOINER, _NON_JOINER}
            or unicodedata.category(character)[0] == "M"
            or ord(character) in _SKIN_TONES
            or (is_region and is_half_a_flag)
        )
        count += not is_joined
        is_half_a_flag = is_region and not is_half_a_flag
        before = character
    return count


def validate_name(name: str) -> None:
    """Raise ValidationError for an invalid name.

    A name is invalid if it is too long, has an address or more than MAX_DIGITS digits, has control characters, line
    breaks or more than MAX_MARKS marks on a letter, begins with a mark, or has nothing visible. Expects a name
    from `normalize_name`.
    """
    if count_visible_characters(name) > MAX_NAME_LENGTH or len(name) > MAX_STORED_NAME_LENGTH:
        raise ValidationError(TOO_LONG_ERROR, code="max_length")
    if name and not _is_legible(name):
        raise ValidationError(ONE_LINE_ERROR, code="letters")
    if has_hyperlink(name) or sum(character.isdigit() for character in name) > MAX_DIGITS:
        raise ValidationError(ADDRESS_ERROR, code="address")


def _is_legible(name: str) -> bool:
    marks = 0
    is_visible = False
    for character in _FLAG.sub("\U0001f3f4", name):
        kind = unicodedata.category(character)
        if kind[0] == "C" and not _is_allowed_other(character, kind):
            return False
        if kind in {"Zl", "Zp"}:
            return False
        marks = marks + 1 if kind[0] == "M" else 0
        if marks > MAX_MARKS or (marks and not is_visible):
            return False
        is_visible = is_visible or kind[0] in "LNS" or kind == "Cn"
    return is_visible


def _is_allowed_other(character: str, kind: str) -> bool:
    """Return whether a character of category “other” may be in a name: a joiner, or one newer than our Unicode data."""
    is_noncharacter = 0xFDD0 <= ord(character) <= 0xFDEF or ord(character) & 0xFFFE == 0xFFFE  # noqa: PLR2004 - never a character
    return character in {_JOINER, _NON_JOINER} or (kind == "Cn" and not is_noncharacter)


class NameFormField(forms.CharField):
    """A form field for a person's name. Normalizes and validates it."""

    def __init__(self, **kwargs: Any) -> None:
        messages = {"required": _("Enter a name."), "null_characters_not_allowed": ONE_LINE_ERROR}
        kwargs["error_messages"] = messages | (kwargs.get("error_messages") or {})
        # Browsers count differently and would silently cut a long name.
        kwargs.pop("max_length", None)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        return normalize_name(super().to_python(value) or "")

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        validate_name(value)


class NameField(models.CharField):  # type: ignore[type-arg]  # not generic at run time
    """A model field for a person's name. Admin pages and `full_clean` validate it as forms do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = MAX_STORED_NAME_LENGTH
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return normalize_name(value) if isinstance(value, str) else value

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if isinstance(value, str):
            validate_name(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": NameFormField} | kwargs)


def clean_name(typed: str) -> str:
    """Return the name as it is stored. Raises ValidationError for an invalid name."""
    name = normalize_name(typed)
    validate_name(name)
    return name
