from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.names import NameFormField
from courses.certificates.printing import can_be_set


class NameForm(forms.Form):
    """How somebody wishes to be named on a certificate: nothing is filled in for them."""

    name = NameFormField(
        label=_("Name on it, if you want one"),
        help_text=_(
            "A first name is enough. Leave it empty, and none stands there. It cannot be changed later."
        ),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_name(self) -> Any:
        name = self.cleaned_data["name"]
        if not can_be_set(name):
            words = _("We have no type for some of these letters yet. Write it in others, or leave it empty")
            raise ValidationError(words, code="type")
        return name
