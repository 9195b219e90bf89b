"""Browsers in which a person has signed in before. Other people's failed sign-ins don't slow these down (ADR 45).

One cookie holds a random id for each account, with a signature. It doesn't name the account, and can't be checked
without it. A new password invalidates all ids of an account, and so does signing out everywhere else.
"""

import secrets
from collections.abc import Callable

from allauth.account.signals import password_changed, password_reset, password_set
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import Person

COOKIE_NAME = "known_device"
COOKIE_SECONDS = 31_536_000
# Keep the accounts that signed in last: a classroom computer has many.
MAX_ACCOUNTS = 20
SALT = "accounts.known_devices"


def find_known_device(request: HttpRequest, person: Person) -> str | None:
    """Return the id under which this browser is known for the account, or None."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    for device, proof in _read_entries(request):
        if any(constant_time_compare(proof, _sign_entry(person, device, key)) for key in keys):
            return device
    return None


def remember_device(request: HttpRequest, person: Person) -> None:
    """Mark the request, so that known_device_middleware sets the cookie for the account."""
    setattr(request, "becomes_known_to", person)  # noqa: B010 - for known_device_middleware


def forget_devices(*, person: Person) -> None:
    """Forget every browser that is known for the account."""
    person.devices_trusted_since = timezone.now()
    person.save(update_fields=["devices_trusted_since"])


@receiver([user_logged_in, password_changed, password_set, password_reset])
def remember_device_at_sign_in(request: HttpRequest, user: Person, **_more: object) -> None:
    """Remember the browser after a sign-in, or after a password change by the old password or an emailed link."""
    remember_device(request, user)


def known_device_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Set the cookie on the response that follows a sign-in, on any page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        person: Person | None = getattr(request, "becomes_known_to", None)
        if person is not None:
            response.set_cookie(
                COOKIE_NAME,
                _build_cookie(request, person),
                max_age=COOKIE_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return middleware


def _build_cookie(request: HttpRequest, person: Person) -> str:
    device = find_known_device(request, person) or secrets.token_urlsafe(9)
    others = [entry for entry in _read_entries(request) if entry[0] != device]
    entries = [(device, _sign_entry(person, device, settings.SECRET_KEY)), *others]
    return "~".join(".".join(entry) for entry in entries[:MAX_ACCOUNTS])


def _read_entries(request: HttpRequest) -> list[tuple[str, str]]:
    parts = (entry.partition(".") for entry in request.COOKIES.get(COOKIE_NAME, "").split("~")[:MAX_ACCOUNTS])
    return [(device, proof) for device, _dot, proof in parts if device and proof]


def _sign_entry(person: Person, device: str, key: str) -> str:
    since = person.devices_trusted_since
    stamp = since.timestamp() if since else ""
    value = f"{person.pk}:{person.password}:{stamp}:{device}"
    return salted_hmac(SALT, value, secret=key, algorithm="sha256").hexdigest()[:32]
