"""Where the model stands, and the guard that is asked beside it where there is one."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings


def is_self_hosted() -> bool:
    """Whether the model's server stands on this machine or this network."""
    return _is_private_address(settings.TUTOR_BASE_URL)


def is_fully_self_hosted() -> bool:
    """Whether no question leaves this machine or this network: neither for the model nor for a guard."""
    return is_self_hosted() and get_guard_host() is None


def get_guard_host() -> str | None:
    """The host of the guard elsewhere that questions and answers are sent to, or None."""
    if not settings.GUARD_PROVIDER or _is_private_address(settings.GUARD_BASE_URL):
        return None
    return urlsplit(settings.GUARD_BASE_URL).hostname


def _is_private_address(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        # A bare name without a dot is a neighbour: `localhost`, or a service of the same compose file.
        return "." not in host
