"""The second step for signing in: who must have one, and how its secret is stored and shown."""

import base64
import logging
import secrets
from functools import cache

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Person

logger = logging.getLogger(__name__)

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


def lacks_second_factor(person: Person) -> bool:
    """Return whether the person can use admin pages but signs in with a password alone."""
    return person.is_staff and not is_mfa_enabled(person, FACTORS)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages: dict[str, str | Promise] = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("That code is wrong. Wait for the next one and try again."),
        "unverified_email": gettext_lazy("Confirm your email address first."),
    }

    def encrypt(self, text: str) -> str:
        return encrypt_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. If no key opens it, log that and return a random one, so that no code matches."""
        try:
            return decrypt_secret(encrypted_text)
        except SecretLost:
            message = (
                "A second step cannot be decrypted. Was SECRET_KEY changed without SECRET_KEY_FALLBACKS?"
            )
            logger.error(message)  # noqa: TRY400
            # A new one each time, so that no code ever matches.
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def build_totp_svg(self, url: str) -> str:
        """Return the QR code as an inline SVG: the content security policy forbids `data:` images."""
        drawn: str = super().build_totp_svg(url)
        return drawn[drawn.index("<svg") :]

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return _("Passkey %(number)d") % {"number": count + 1}


KEY_PURPOSE = b"kitchen-table second step"


class SecretLost(Exception):
    """None of the site's keys opens the secret: SECRET_KEY was changed without a fallback."""


@cache
def _build_fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=KEY_PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _list_keys() -> MultiFernet:
    return MultiFernet([_build_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def encrypt_secret(text: str) -> str:
    """Return the secret, encrypted with the site's current key."""
    return _list_keys().encrypt(text.encode()).decode()


def decrypt_secret(sealed: str) -> str:
    """Return the secret. Raises SecretLost."""
    try:
        return _list_keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SecretLost from error
