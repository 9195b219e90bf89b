from datetime import MAXYEAR, date
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.forms import SignupForm as AllauthSignUpForm
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from accounts.confirmations import Saved, create_or_get_account
from accounts.models import Person, Role
from accounts.names import NameFormField, validate_own_username
from accounts.zone_fields import NewPersonZoneForm, ZoneField, add_current_time, get_zone_field
from kit.email_addresses import canonicalize_email, make_email_field_canonical

EARLIEST_BIRTH_YEAR = 1900
# The first four-digit year; MAXYEAR is the last.
SMALLEST_FOUR_DIGIT_YEAR = 1000


class SignInForm(LoginForm):
    """Username or email address, and password. The page calls the first field `username`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].error_messages["required"] = _("Enter your username or email address")
        self.fields["password"].error_messages["required"] = _("Type your password")

    def clean_login(self) -> str:
        login: str = super().clean_login()
        return canonicalize_email(login) if "@" in login else login

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else field_name


def build_display_name_field() -> NameFormField:
    return NameFormField(label=_("Display name"), widget=forms.TextInput(attrs={"autocomplete": "nickname"}))


class AgeForm(forms.Form):
    """Month and year of birth, asked of everyone in the same words. The form doesn't judge the age."""

    month = forms.TypedChoiceField(
        label=_("Month"),
        coerce=int,
        choices=[("", _("Choose")), *MONTHS.items()],
        error_messages={"required": _("Choose the month."), "invalid_choice": _("Choose the month.")},
    )
    year = forms.IntegerField(
        label=_("Year"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "4"}),
        error_messages={"required": _("Enter the year."), "invalid": _("Enter the year as four digits.")},
    )

    def clean_year(self) -> int:
        """Return the year. Raises ValidationError if no one living was born in it."""
        year: int = self.cleaned_data["year"]
        if not SMALLEST_FOUR_DIGIT_YEAR <= year <= MAXYEAR:
            raise ValidationError(_("Enter the year as four digits."), code="invalid")
        if year > timezone.localdate().year:
            raise ValidationError(_("That year is in the future. Check the digits."), code="future")
        if year < EARLIEST_BIRTH_YEAR:
            raise ValidationError(_("That year is too long ago. Check the digits."), code="long_ago")
        return year

    @property
    def born(self) -> date:
        """The first day of the birth month. Only for a valid form."""
        return date(self.cleaned_data["year"], self.cleaned_data["month"], 1)


class AccountSignUpForm(NewPersonZoneForm, AllauthSignUpForm, AgeForm):
    """An adult's account: display name, email address to confirm, and password.

    Everyone who creates an account is asked for the birth month; an adult's is not stored.
    """

    field_order = ["display_name", "email", "password1", "month", "year", "time_zone"]

    display_name = build_display_name_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].error_messages["required"] = _("Type your email address.")
        make_email_field_canonical(self.fields["email"])
        self.fields["email"].help_text = _("We’ll send a link there to check that it’s yours.")
        self.fields["password1"].error_messages["required"] = _("Choose a password.")
        self.fields["password1"].help_text = _("At least eight characters. A few words in a row are good.")
        self.fields["month"].label, self.fields["year"].label = (
            _("Birth month"),
            _("Birth year"),
        )
        self.fields["month"].help_text = _("We ask everyone. If you’re an adult, we don’t keep your answer.")

    def try_save(self, request: HttpRequest) -> Saved:
        """Create the account. If the address is already taken, answer as if it had been created."""
        save, email = super().try_save, self.cleaned_data["email"]

        def refuse() -> Saved:
            self.account_already_exists = True
            refused: Saved = save(request)
            return refused

        return create_or_get_account(
            is_known=self.account_already_exists,
            save=lambda: save(request),
            refuse=refuse,
            email=email,
            password=self.cleaned_data["password1"],
        )

    def signup(self, request: HttpRequest, person: Person) -> None:
        """Complete the new account, as allauth's sign-up hook: a parent, with name and time zone."""
        del request
        person.display_name = self.cleaned_data["display_name"]
        person.role = Role.PARENT
        person.time_zone = self.cleaned_data["time_zone"]
        person.is_zone_confirmed = self.is_zone_confirmed
        person.save(update_fields=["display_name", "role", "time_zone", "is_zone_confirmed"])


class TeenSignUpForm(NewPersonZoneForm):
    """The second step of a teen's sign-up, after AgeForm: username, display name and password. No email address."""

    field_order = ["username", "display_name", "password", "time_zone"]

    username = forms.CharField(
        label=_("Username"),
        max_length=60,
        help_text=_("You’ll sign in with this. It’s better not to use your full name."),
        validators=[validate_own_username],
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={
            "required": _("Choose a username."),
            "max_length": _("Choose a username with at most 60 characters."),
            "null_characters_not_allowed": _("Choose a username with only letters and numbers."),
        },
    )
    display_name = build_display_name_field()
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least eight characters. A few words in a row are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Choose a password.")},
    )

    def clean_username(self) -> str:
        cleaned: str = get_adapter().clean_username(self.cleaned_data["username"])
        return cleaned

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data:
            person = Person(username=data.get("username", ""), display_name=data.get("display_name", ""))
            try:
                get_adapter().clean_password(data["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return data


class AccountForm(forms.Form):
    display_name = build_display_name_field()
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        required=False,
        help_text=_("Of this site in this browser, and of emails to you."),
        error_messages={"invalid_choice": _("Choose a language")},
    )
    time_zone = ZoneField()

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        # Without a display name, others see the username.
        known = {"display_name": str(person), "language": person.language, "time_zone": person.time_zone}
        kwargs.setdefault("initial", known)
        super().__init__(*args, **kwargs)
        field = get_zone_field(self)
        field.offer_first([person.time_zone])
        field.widget.attrs["data-zone"] = "offer"
        add_current_time(field, person.time_zone)
        if person.role == Role.TEEN:
            field.help_text = f"{field.help_text} {_('Quiet hours use the time zone in your agreement.')}"
