"""Whether a model and the remote guard run on this machine or network."""

import ipaddress
import socket
from urllib.parse import urlsplit

from django.conf import settings


def has_remote_guard() -> bool:
    """Return whether a remote guard is set up, here or outside."""
    return bool(settings.GUARD_PROVIDER)


def find_outside_guard_host() -> str | None:
    """Return the host of a remote guard outside this network, or None."""
    if not has_remote_guard() or is_private_address(settings.GUARD_BASE_URL):
        return None
    return urlsplit(settings.GUARD_BASE_URL).hostname


def is_private_address(address: str) -> bool:
    """Return whether an address is on this machine or network, by its host."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        pass
    try:
        # Resolvers also read numbers such as 134744072, 8.8.2056 or 0x8.8.8.8 as addresses.
        return ipaddress.ip_address(socket.inet_aton(host)).is_private
    except OSError:
        # A name without a dot is local: `localhost`, or a service of the same compose file.
        return "." not in host
