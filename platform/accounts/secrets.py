"""What is secret in the database: encrypted with a key made from SECRET_KEY, so that a copy of it tells nothing.

Keys are made by HKDF (RFC 5869), texts sealed by Fernet (AES-128-CBC with HMAC-SHA256). What was sealed under a key of
SECRET_KEY_FALLBACKS can still be read; what is sealed anew has the newest.
"""

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"kitchen-table second step"


class SecretLost(Exception):
    """None of the site's keys opens this: SECRET_KEY was changed without a fallback."""


@cache
def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def _keys() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def seal(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises SecretLost."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as fault:
        raise SecretLost from fault
