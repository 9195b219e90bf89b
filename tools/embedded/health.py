"""Fetches pages on this machine without any proxy of the environment."""

import http.client
from http import HTTPStatus

from embedded.ports import LOOPBACK

SIGNATURE = "X-Run"


def fetch(port: int, path: str, *, signed: str | None = None, seconds: float = 1) -> tuple[int, bytes]:
    """Return the status and body of a page; status 0 if there is no answer, or one without our signature."""
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
    """Return whether a page answers with 200."""
    return fetch(port, path, signed=signed)[0] == HTTPStatus.OK
