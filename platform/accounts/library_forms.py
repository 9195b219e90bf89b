"""django-allauth's forms with our labels and hints. Their behavior is allauth's."""

import json
from typing import Any

from allauth.account import forms as account
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as codes
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _

from kit.email_addresses import make_email_field_canonical

# Lazy strings, whose type only the stubs know.
FieldLabels = dict[str, tuple[Any, Any]]

NEW_PASSWORD_LABELS: FieldLabels = {
    "password1": (
        _("New password"),
        _("At least eight characters, and not a common password. A few words in a row work well."),
    ),
    "password2": (_("Repeat the new password"), ""),
}


class RelabeledForm(forms.Form):
    """Sets the labels and hints in `words` on the form's fields."""

    words: FieldLabels = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, hint) in self.words.items():
            self.fields[name].label = label
            self.fields[name].help_text = hint


class AddEmailForm(account.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        make_email_field_canonical(self.fields["email"])


class ResetPasswordForm(account.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        make_email_field_canonical(self.fields["email"])


class ChangePasswordForm(RelabeledForm, account.ChangePasswordForm):
    words = {"oldpassword": (_("Current password"), ""), **NEW_PASSWORD_LABELS}


class SetPasswordForm(RelabeledForm, account.SetPasswordForm):
    words = NEW_PASSWORD_LABELS


class NewPasswordForm(RelabeledForm, account.ResetPasswordKeyForm):
    words = NEW_PASSWORD_LABELS


class ConfirmPasswordForm(RelabeledForm, account.ReauthenticateForm):
    words = {"password": (_("Your password"), "")}


class CodeForm(RelabeledForm, codes.AuthenticateForm):
    words = {"code": (_("Code"), "")}


class ConfirmCodeForm(RelabeledForm, codes.ReauthenticateForm):
    words = {"code": (_("Code"), "")}


class ActivateCodeForm(RelabeledForm, ActivateTOTPForm):
    words = {"code": (_("Code shown in the app"), "")}


class CredentialDecoder(json.JSONDecoder):
    """Decodes a passkey credential. Errors from huge numbers or deep nesting become JSON errors."""

    def decode(self, s: str, *args: Any, **kwargs: Any) -> Any:
        """Decode a credential.

        Raises JSONDecodeError for every malformed one, also for deep nesting and huge numbers.
        """
        try:
            return super().decode(s, *args, **kwargs)
        except (RecursionError, ValueError) as error:
            raise json.JSONDecodeError("no credential", s[:20], 0) from error


class CredentialForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        credential = self.fields["credential"]
        assert isinstance(credential, forms.JSONField)  # noqa: S101 - for the type checker
        credential.decoder = CredentialDecoder


class PasskeyForm(CredentialForm, AuthenticateWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        """Turn errors that allauth lets through for invalid credentials into form errors."""
        try:
            return super().clean_credential()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_code") from error


class PasskeySignInForm(PasskeyForm, LoginWebAuthnForm):
    pass


class ConfirmPasskeyForm(PasskeyForm, ReauthenticateWebAuthnForm):
    pass


class AddPasskeyForm(CredentialForm, RelabeledForm, AddWebAuthnForm):
    words = {
        "name": (_("Passkey name"), ""),
        "passwordless": (
            _("Sign in with this passkey alone"),
            _("You won’t need your password. Your device asks for your fingerprint, your face or its PIN."),
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = 60
        self.fields["passwordless"].initial = True

    def clean(self) -> dict[str, Any]:
        """Turn errors that allauth lets through for invalid credentials into form errors."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_code") from error
        return cleaned
