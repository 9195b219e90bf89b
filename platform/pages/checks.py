"""Checks of this site for `manage.py check --deploy`."""

from collections.abc import Collection
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.db.models import Q

from accounts.demo import DEMO_PEOPLE
from accounts.models import Person


@register(Tags.security, deploy=True)
def check_forwarded_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """Rate limits use a visitor's IP address, so it must be known and must not be forged."""
    trusted = [name for part in settings.FORWARDED_ALLOW_IPS.split(",") if (name := part.strip())]
    if settings.BEHIND_PROXY and not trusted:
        return [
            Warning(
                "BEHIND_PROXY is set but FORWARDED_ALLOW_IPS is not: unless the proxy connects from 127.0.0.1, all "
                "visitors share its address and its rate limits.",
                hint="Set FORWARDED_ALLOW_IPS to the proxy's address or network.",
                id="kitchen.W001",
            )
        ]
    if "*" in trusted or any(_trusts_every_address(name) for name in trusted):
        return [
            Error(
                "FORWARDED_ALLOW_IPS trusts every address, so visitors can forge theirs and avoid rate limits.",
                hint="Name the proxy's address or network.",
                id="kitchen.E001",
            )
        ]
    return []


def _trusts_every_address(name: str) -> bool:
    try:
        return ip_network(name, strict=False).prefixlen == 0
    except ValueError:
        return False


@register(Tags.database, deploy=True)
def check_demo_people(*, databases: Collection[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report demo accounts with published passwords. Runs with `check --deploy --database default`."""
    if settings.DEMO or "default" not in (databases or ()):
        return []
    # Renamed accounts are found only if they are staff. Sign-in rejects these passwords under any name.
    candidates = Person.objects.filter(
        Q(username__in=[demo.username for demo in DEMO_PEOPLE]) | Q(is_staff=True)
    )
    usernames = [
        person.username
        for person in candidates.order_by("username")
        if any(check_password(demo.password, person.password) for demo in DEMO_PEOPLE)
    ]
    if not usernames:
        return []
    return [
        Error(
            f"These accounts have a password that is published with the demo: {', '.join(usernames)}. "
            "Sign-in rejects it, but the accounts belong to no one.",
            hint="Delete them, or set a new password for each: manage.py changepassword NAME",
            id="kitchen.E002",
        )
    ]
