"""What `manage.py check --deploy` says of this site, beside Django's own checks."""

from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name


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
    if "*" in trusted or any(_is_everybody(name) for name in trusted):
        return [
            Error(
                "FORWARDED_ALLOW_IPS trusts everybody: each visitor may then choose the address that limits go by.",
                hint="Name the proxy's address or network.",
                id="kitchen.E001",
            )
        ]
    return []


def _is_everybody(name: str) -> bool:
    try:
        return ip_network(name, strict=False).prefixlen == 0
    except ValueError:
        return False
