"""What `manage.py check --deploy` says of this site, beside Django's own checks."""

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
    """Limits go by a visitor's address, so it must be known and must not be forged."""
    trusted = [name for part in settings.FORWARDED_ALLOW_IPS.split(",") if (name := part.strip())]
    if settings.BEHIND_PROXY and not trusted:
        return [
            Warning(
                "BEHIND_PROXY is set and FORWARDED_ALLOW_IPS is not: unless the proxy asks from 127.0.0.1, all "
                "visitors share its address, and with it every limit on tries.",
                hint="Set FORWARDED_ALLOW_IPS to the proxy's address or network.",
                id="kitchen.W001",
            )
        ]
    if "*" in trusted or any(_trusts_every_address(name) for name in trusted):
        return [
            Error(
                "FORWARDED_ALLOW_IPS trusts everybody: each visitor may then choose the address that limits go by.",
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
    """A restored demo brings people along whose passwords are published: `check --deploy --database default`."""
    if settings.DEMO or "default" not in (databases or ()):
        return []
    # Renamed ones are found where they could do most harm. Sign-in refuses the passwords under any name.
    looked_at = Person.objects.filter(
        Q(username__in=[demo.username for demo in DEMO_PEOPLE]) | Q(is_staff=True)
    )
    found = [
        person.username
        for person in looked_at.order_by("username")
        if any(check_password(demo.password, person.password) for demo in DEMO_PEOPLE)
    ]
    if not found:
        return []
    return [
        Error(
            f"These accounts have a password that is published with the demo: {', '.join(found)}. It does not sign in "
            "here, but the accounts are not anybody's.",
            hint="Delete them, or give each a password of its own: manage.py changepassword NAME",
            id="kitchen.E002",
        )
    ]
