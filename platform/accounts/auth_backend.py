"""Check a password with exactly one hash, so that timing doesn't reveal which accounts exist (ADR 45)."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from django.conf import settings
from django.http import HttpRequest

from accounts.demo import is_demo_password
from accounts.models import Person
from kit.email_addresses import canonicalize_email

MAX_LOGIN_LENGTH = 254


def normalize_login(login: str) -> str:
    """Return a username or email address as sign-in compares it. Email addresses are canonicalized."""
    return canonicalize_email(login) if "@" in login else login.strip()


def find_person(login: str) -> Person | None:
    """Return the account that a username or email address belongs to, active or not, or None."""
    login = normalize_login(login)
    if not login or "\0" in login or len(login) > MAX_LOGIN_LENGTH:
        return None
    person = get_user_by_username(login)
    if person is None:
        # Several accounts share an address only while none has confirmed it. The oldest one counts.
        owners = filter_users_by_email(login, prefer_verified=True, for_login=True)
        person = min(owners, key=lambda owner: (not owner.is_active, owner.pk), default=None)
    return person if isinstance(person, Person) else None


class OneHashBackend(AuthenticationBackend):
    """allauth's backend, but with one password check instead of one for each way to read a login.

    Without an account or a password, the library still hashes what was typed.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> Person | None:
        del request
        person = find_person(credentials.get("username") or credentials.get("email") or "")
        result = self._check_password(person, credentials["password"])
        # Check this after hashing, so that it takes as long as any other refusal.
        if not settings.DEMO and is_demo_password(credentials["password"]):
            return None
        return result if isinstance(result, Person) else None
