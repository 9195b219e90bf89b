"""What somebody types to come. The mail goes to an address that nobody has checked yet, so the name is kept tame."""

import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.prose import ProseField
from events.models import LONGEST_EMAIL, LONGEST_NAME, LONGEST_WORDS, Worth

# Control characters, halves of characters, private ones, line and paragraph ends.
_NEVER_IN_A_NAME = {"Cc", "Cs", "Co", "Zl", "Zp"}
# Marks that turn the direction of what follows them, so that it reads as something else.
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_ADDRESS_MARKS = ("://", "www.")


def validate_name(name: str) -> None:
    """Raise ValidationError for a name that could carry somebody else's message into the mail."""
    folded = name.casefold()
    if any(mark in folded for mark in _ADDRESS_MARKS):
        raise ValidationError(_("Type a name, without a web address"), code="address")
    if any(
        unicodedata.category(letter) in _NEVER_IN_A_NAME or unicodedata.bidirectional(letter) in _TURNING
        for letter in name
    ):
        raise ValidationError(_("Type the name on one line, in letters"), code="letters")


class FeedbackForm(forms.Form):
    worth = forms.ChoiceField(
        choices=Worth.choices,
        error_messages={"required": _("Choose one"), "invalid_choice": _("Choose one")},
    )
    words = ProseField(max_length=LONGEST_WORDS, required=False)


class SignUpForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_NAME,
        validators=[validate_name],
        error_messages={
            "required": _("Type your name"),
            "max_length": _("Type a name of at most 60 characters"),
            "null_characters_not_allowed": _("Type the name on one line, in letters"),
        },
    )
    email = forms.EmailField(
        max_length=LONGEST_EMAIL,
        error_messages={
            "required": _("Type your email address"),
            "invalid": _("Type an email address like name@example.org"),
            "max_length": _("Type an email address of at most 254 characters"),
            "null_characters_not_allowed": _("Type an email address like name@example.org"),
        },
    )
    # The personal link that brought them, if one did.
    key = forms.CharField(max_length=200, required=False)
    # Hidden by the stylesheet. Whoever fills it in reads the page's source and not the page.
    topic = forms.CharField(required=False)

    @property
    def is_from_a_machine(self) -> bool:
        return bool(self.data.get("topic"))
