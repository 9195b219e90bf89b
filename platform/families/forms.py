from collections.abc import Iterable
from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.names import NameFormField
from accounts.zone_fields import ZoneField, get_zone_field
from families.countries import list_country_choices
from families.password_help import CODE_DIGITS
from families.terms import ParentView, Terms
from kit.email_addresses import CanonicalEmailField
from kit.memory_policy import MemoryPolicy
from kit.texts import normalize_line

MIN_ANSWERS_PER_DAY, MAX_ANSWERS_PER_DAY = 1, 200


class TermsForm(forms.Form):
    """The terms of an agreement. The zones in `likely` are offered first."""

    parent_view = forms.ChoiceField(choices=ParentView.choices)
    memory = forms.ChoiceField(
        choices=MemoryPolicy.choices,
        error_messages={
            "required": _("Choose how much the tutor may remember."),
            "invalid_choice": _("Choose how much the tutor may remember."),
        },
    )
    allows_spanning_notes = forms.BooleanField(required=False)
    local_only = forms.BooleanField(required=False)
    quiet_from = forms.TimeField(required=False, error_messages={"invalid": _("Type a time like 21:00.")})
    quiet_to = forms.TimeField(required=False, error_messages={"invalid": _("Type a time like 07:00.")})
    answers_per_day = forms.IntegerField(
        required=False,
        min_value=MIN_ANSWERS_PER_DAY,
        max_value=MAX_ANSWERS_PER_DAY,
        error_messages={
            "invalid": _("Type a whole number, or leave it empty."),
            "min_value": _("Type at least 1, or pause the tutor instead."),
            "max_value": _("Type at most 200, or leave it empty."),
        },
    )

    time_zone = ZoneField(required=False)

    def __init__(self, *args: Any, likely: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = get_zone_field(self)
        field.offer_first(likely)
        field.widget.attrs |= {"id": "time_zone", "data-zone": "offer", "aria-describedby": "time_zone-hint"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "time_zone" in self.errors:
            self.fields["time_zone"].widget.attrs["aria-describedby"] = "time_zone-hint time_zone-error"
        begins, ends = cleaned.get("quiet_from"), cleaned.get("quiet_to")
        if "quiet_from" not in self.errors and "quiet_to" not in self.errors:
            if (begins is None) != (ends is None):
                self.add_error(
                    "quiet_to" if ends is None else "quiet_from",
                    _("Enter both times, or leave both empty"),
                )
            elif begins is not None and begins == ends:
                self.add_error("quiet_to", _("Quiet hours need two different times."))
        return cleaned

    @property
    def terms(self) -> Terms:
        chosen = {
            "parent_view": ParentView(self.cleaned_data["parent_view"]),
            "memory": MemoryPolicy(self.cleaned_data["memory"]),
        }
        return Terms(**(self.cleaned_data | chosen))


class ConsentForm(forms.Form):
    """The country where a teen lives. No country is preselected, and a saved one is not asked for again."""

    country = forms.ChoiceField(
        error_messages={
            "required": _("Choose the country."),
            "invalid_choice": _("Choose a country from the list."),
        }
    )

    def __init__(self, data: Any = None, *, country: str | None) -> None:
        super().__init__(data if country is None or data is None else {"country": country})
        choice = self.fields["country"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 - tells the types
        choice.choices = [("", _("Choose")), *list_country_choices()]


class InvitationForm(forms.Form):
    email = CanonicalEmailField(
        required=False,
        error_messages={"invalid": _("Type an email address like name@example.org, or leave it empty.")},
    )


class TrustedAdultForm(forms.Form):
    name = NameFormField()
    contact = forms.CharField(
        max_length=200, error_messages={"required": _("Type a phone number or another way to reach them.")}
    )

    def clean_contact(self) -> str:
        return normalize_line(self.cleaned_data["contact"])


class ForgottenPasswordForm(forms.Form):
    username = forms.CharField(
        label=_("Your username"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": _("Type your username.")},
    )


class PasswordHelpCodeForm(forms.Form):
    """The digits on the teen's screen, with or without the space they are shown with."""

    code = forms.CharField(
        label=_("The code on their screen"),
        max_length=20,
        validators=[RegexValidator(rf"^\d{{{CODE_DIGITS}}}$", _("Type the six-digit code."))],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Type the six-digit code.")},
    )

    def __init__(self, data: Any = None) -> None:
        if data is not None:
            data = {"code": "".join(str(data.get("code", "")).split())}
        super().__init__(data)


class HelpedPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least eight characters. A few words in a row are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Choose a password.")},
    )

    def __init__(self, person: Person, data: Any = None) -> None:
        super().__init__(data)
        self.person = person

    def clean_password(self) -> str:
        cleaned: str = get_adapter().clean_password(self.cleaned_data["password"], self.person)
        return cleaned


class OldPasswordForm(forms.Form):
    old_password = forms.CharField(
        label=_("Your old password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Type your old password.")},
    )
