"""Gives each request an id and logs one line about it: method, route, status, duration.

It logs the route and not the path, because a path can contain a secret. It logs no IP address.
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
# A proxy in front may have set it already.
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
UNLOGGED_ROUTES = {"healthz", "readyz", "metrics"}

type Handler = Callable[[HttpRequest], HttpResponseBase]


def request_log_middleware(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request_id, began = _get_request_id(request), time.perf_counter()
        # Never unbound: each request is its own task, and a streamed response outlives this call.
        bind_log_ids(request=request_id)
        response = get_response(request)
        response.headers[HEADER] = request_id
        _log_request(request, response, began)
        return response

    return middleware


def _get_request_id(request: HttpRequest) -> str:
    request_id = request.headers.get(HEADER, "")
    return request_id if REQUEST_ID.fullmatch(request_id) else uuid4().hex


def _log_request(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    match = request.resolver_match
    route = match.route if match else "(none)"
    if route not in UNLOGGED_ROUTES:
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        fields = {"route": route, "status": response.status_code, "milliseconds": milliseconds}
        logger.info("%s %s %d", request.method, route, response.status_code, extra=fields)
