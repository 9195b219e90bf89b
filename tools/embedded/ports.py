"""Finds free ports on this machine."""

import errno
import random
import socket

LOOPBACK = "127.0.0.1"
MIN_UNPRIVILEGED_PORT, MAX_PORT = 1024, 65_535
# Below the range of outgoing connections, so a restarted child finds its port free.
INTERNAL_PORTS = range(20_000, 30_000)


class NoFreePortError(Exception):
    """No free port was found."""


def find_internal_port() -> int:
    """Return a free port for an internal service. Raises NoFreePortError."""
    for port in random.sample(INTERNAL_PORTS, 200):
        if find_port_problem(port) is None:
            return port
    raise NoFreePortError


def find_public_port(wanted: int) -> int:
    """Return the wanted port or the first free one after it. Raises NoFreePortError."""
    for port in range(wanted, min(wanted + 100, MAX_PORT) + 1):
        if find_port_problem(port) is None:
            return port
    return find_internal_port()


def find_port_problem(port: int) -> str | None:
    """Return why a server cannot use this port; None if it can."""
    # A listener on all addresses, or on IPv6 only, would receive requests to "localhost".
    if any(_is_answering(host, port) for host in (LOOPBACK, "::1")):
        return "is in use"
    with socket.socket() as probe:
        # As servers do, so that old connections of a stopped server do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return "is not allowed for this user" if error.errno == errno.EACCES else "is in use"
    return None


def _is_answering(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False
