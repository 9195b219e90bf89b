"""Checking a password with exactly one hash, whoever is asked for: the time must not tell who is known (ADR 45)."""

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
    """A username or an email address as the sign-in form reads it: an address has other spellings."""
    return canonicalize_email(login) if "@" in login else login.strip()


def find_person(login: str) -> Person | None:
    """The one account that a username or an email address signs in to, whether it may sign in or not."""
    login = normalize_login(login)
    if not login or "\0" in login or len(login) > MAX_LOGIN_LENGTH:
        return None
    person = get_user_by_username(login)
    if person is None:
        # Several have an address only while none of them has confirmed it; the oldest of them is it.
        owners = filter_users_by_email(login, prefer_verified=True, for_login=True)
        person = min(owners, key=lambda owner: (not owner.is_active, owner.pk), default=None)
    return person if isinstance(person, Person) else None


class OneHashBackend(AuthenticationBackend):
    """allauth's, which tried the password once for each way in which a name could be meant.

    Where there is nobody, or no password, the library hashes the typed one all the same.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> Person | None:
        del request
        person = find_person(credentials.get("username") or credentials.get("email") or "")
        found = self._check_password(person, credentials["password"])
        # Judged after the hash, so that it takes as long as any other refusal.
        if not settings.DEMO and is_demo_password(credentials["password"]):
            return None
        return found if isinstance(found, Person) else None
