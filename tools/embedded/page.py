"""One look at a page on this machine, past any proxy that the environment names."""

import http.client
from http import HTTPStatus

from embedded.ports import LOOPBACK

SIGNATURE = "X-Run"


def fetch(port: int, path: str, *, signed: str | None = None, seconds: float = 1) -> tuple[int, bytes]:
    """The status and body of a page; 0 where nobody answers, or somebody else than the signature's owner."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if signed is not None and answer.headers[SIGNATURE] != signed:
            return 0, b""
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def is_healthy(port: int, path: str, *, signed: str | None = None) -> bool:
    """Whether a page is there and well."""
    return fetch(port, path, signed=signed)[0] == HTTPStatus.OK
