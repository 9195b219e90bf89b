import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from courses.certificates.printing import can_be_set

BETWEEN_LETTERS = set(" '’.-‐·")


class NameForm(forms.Form):
    """How somebody wishes to be named on a certificate: nothing is filled in for them."""

    name = forms.CharField(
        label=_("Name on it, if you want one"),
        help_text=_(
            "A first name is enough. Leave it empty, and none stands there. It cannot be changed later."
        ),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "max_length": _("Type a name of at most 60 characters"),
            "null_characters_not_allowed": _("Type the name on one line, in letters"),
        },
    )

    def clean_name(self) -> Any:
        name = " ".join(self.cleaned_data["name"].split())
        if not all(one in BETWEEN_LETTERS or unicodedata.category(one)[0] in "LM" for one in name):
            raise ValidationError(_("Type the name on one line, in letters"), code="letters")
        if not can_be_set(name):
            words = _("We have no type for some of these letters yet. Write it in others, or leave it empty")
            raise ValidationError(words, code="type")
        return name
