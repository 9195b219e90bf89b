from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from families.terms import Terms, View

LEAST_ANSWERS, MOST_ANSWERS = 1, 200


class TermsForm(forms.Form):
    """The agreement as two people fill it in."""

    view = forms.ChoiceField(choices=View.choices)
    memory = forms.BooleanField(required=False)
    quiet_from = forms.TimeField(required=False, error_messages={"invalid": _("Type a time like 21:00")})
    quiet_to = forms.TimeField(required=False, error_messages={"invalid": _("Type a time like 07:00")})
    answers_a_day = forms.IntegerField(
        required=False,
        min_value=LEAST_ANSWERS,
        max_value=MOST_ANSWERS,
        error_messages={
            "invalid": _("Type a whole number, or leave it empty"),
            "min_value": _("Type at least 1, or pause the tutor instead"),
            "max_value": _("Type at most 200, or leave it empty"),
        },
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begins, ends = cleaned.get("quiet_from"), cleaned.get("quiet_to")
        if "quiet_from" not in self.errors and "quiet_to" not in self.errors:
            if (begins is None) != (ends is None):
                self.add_error(
                    "quiet_to" if ends is None else "quiet_from",
                    _("Give both times, or leave both empty"),
                )
            elif begins is not None and begins == ends:
                self.add_error("quiet_to", _("Quiet hours need two different times"))
        return cleaned

    @property
    def terms(self) -> Terms:
        return Terms(**(self.cleaned_data | {"view": View(self.cleaned_data["view"])}))


class InvitationForm(forms.Form):
    email = forms.EmailField(
        required=False,
        max_length=254,
        error_messages={"invalid": _("Type an email address like name@example.org, or leave it empty")},
    )


class TrustedAdultForm(forms.Form):
    name = forms.CharField(max_length=80, error_messages={"required": _("Type a name")})
    reach = forms.CharField(
        max_length=200, error_messages={"required": _("Type a telephone number or another way to reach them")}
    )
