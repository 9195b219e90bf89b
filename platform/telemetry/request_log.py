"""Names every request, and writes one line about it: what was asked of which route, and how it went.

The route and not the path, as a path may open something: an invitation, a sign-up. Nobody's address.
"""

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from telemetry.context import bind_log_ids

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
# A proxy in front may have named it already.
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
UNLOGGED_ROUTES = {"healthz", "readyz", "metrics"}

type Handler = Callable[[HttpRequest], HttpResponseBase]


def request_log_middleware(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        name, began = _name(request), time.perf_counter()
        # For good: each request is a task of its own, and a stream goes on after this has returned.
        bind_log_ids(request=name)
        response = get_response(request)
        response.headers[HEADER] = name
        _tell(request, response, began)
        return response

    return middleware


def _name(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex


def _tell(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    match = request.resolver_match
    route = match.route if match else "(none)"
    if route not in UNLOGGED_ROUTES:
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        told = {"route": route, "status": response.status_code, "milliseconds": milliseconds}
        logger.info("%s %s %d", request.method, route, response.status_code, extra=told)
