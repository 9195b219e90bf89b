"""Authentication: Django's settings and django-allauth's (ADR 11).

The adapters (accounts.adapter) decide the rest.
"""

from config.settings.environment import DEMO, env

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["accounts.auth_backend.OneHashBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.DemoPasswordValidator"},
    {"NAME": "accounts.passwords.LeakedPasswordValidator"},
]
# The service that knows leaked passwords; it gets five characters of a hash. Empty turns the check off.
PWNED_PASSWORDS_URL: str = env.str(
    "PWNED_PASSWORDS_URL", default="" if DEMO else "https://api.pwnedpasswords.com"
)
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if DEMO else "https"
# Browsers allow passkeys without TLS on localhost, where a demo runs.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "accounts.forms.AccountSignUpForm",
    "add_email": "accounts.library_forms.AddEmailForm",
    "reset_password": "accounts.library_forms.ResetPasswordForm",
    "change_password": "accounts.library_forms.ChangePasswordForm",
    "set_password": "accounts.library_forms.SetPasswordForm",
    "reset_password_from_key": "accounts.library_forms.NewPasswordForm",
    "reauthenticate": "accounts.library_forms.ConfirmPasswordForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_SIGNUP_REDIRECT_URL = "families:family"
ACCOUNT_USER_DISPLAY = "builtins.str"
# None where accounts.limits already counts. `login_failed` counts wrong second-step codes per account, where the
# password is already known. Links in emails and passkeys cannot be guessed.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "5/5m/key",
    "reauthenticate": "10/5m/user",
    "reset_password": None,
    "reset_password_from_key": "300/m/ip",
    "signup": None,
}
MFA_RATE_LIMITS = {"webauthn_login": "300/m/ip"}
MFA_ADAPTER = "accounts.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.library_forms.CodeForm",
    "reauthenticate": "accounts.library_forms.ConfirmCodeForm",
    "activate_totp": "accounts.library_forms.ActivateCodeForm",
    "add_webauthn": "accounts.library_forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.library_forms.PasskeyForm",
    "login_webauthn": "accounts.library_forms.PasskeySignInForm",
    "reauthenticate_webauthn": "accounts.library_forms.ConfirmPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Kitchen Table"
# A passkey replaces the password, so the device must always ask for a fingerprint, face or PIN.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
