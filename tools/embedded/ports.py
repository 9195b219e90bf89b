"""Ports on this machine."""

import errno
import random
import socket

LOOPBACK = "127.0.0.1"
MIN_UNPRIVILEGED_PORT, MAX_PORT = 1024, 65_535
# Below the range that systems hand out for outgoing connections: a restarted child finds its port still free.
INNER_PORTS = range(20_000, 30_000)


class NoFreePortError(Exception):
    """No free port was found."""


def find_inner_port() -> int:
    """A free port for a part that only this site talks to."""
    for port in random.sample(INNER_PORTS, 200):
        if find_port_problem(port) is None:
            return port
    raise NoFreePortError


def find_outer_port(wanted: int) -> int:
    """The wanted port, or the first free one after it."""
    for port in range(wanted, min(wanted + 100, MAX_PORT) + 1):
        if find_port_problem(port) is None:
            return port
    return find_inner_port()


def find_port_problem(port: int) -> str | None:
    """Why a server cannot have this port; None when it can."""
    # A listener on all addresses, or on IPv6 alone, would take visitors of "localhost" from us.
    if any(_answers(host, port) for host in (LOOPBACK, "::1")):
        return "is in use"
    with socket.socket() as probe:
        # As servers do, so that connections of a server that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as fault:
            return "is not allowed for this user" if fault.errno == errno.EACCES else "is in use"
    return None


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False
