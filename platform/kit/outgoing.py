"""Requests to other servers, without following redirects: no other host gets what was meant for one."""

from typing import IO, Any
from urllib.request import HTTPRedirectHandler, Request, build_opener


class _NoRedirects(HTTPRedirectHandler):
    """Makes a redirect an error."""

    def redirect_request(self, *_given: Any, **_more: Any) -> None:
        return None


_opener = build_opener(_NoRedirects)


def open_without_redirects(request: Request, *, timeout: float) -> IO[bytes]:
    """Send the request. Raises OSError (also for a status that is no success), or http.client.HTTPException."""
    reply: IO[bytes] = _opener.open(request, timeout=timeout)
    return reply
