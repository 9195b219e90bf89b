"""Whether the model and the remote guard run on this machine or network."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings


def is_self_hosted() -> bool:
    """Return whether the model's server is on this machine or network."""
    return _is_private_address(settings.TUTOR_BASE_URL)


def is_fully_self_hosted() -> bool:
    """Return whether both the model and any remote guard are on this machine or network."""
    return is_self_hosted() and get_guard_host() is None


def get_guard_host() -> str | None:
    """Return the host of a remote guard outside this network, or None."""
    if not settings.GUARD_PROVIDER or _is_private_address(settings.GUARD_BASE_URL):
        return None
    return urlsplit(settings.GUARD_BASE_URL).hostname


def _is_private_address(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        # A name without a dot is local: `localhost`, or a service of the same compose file.
        return "." not in host
