"""Answers to what no view can take: a query that cannot be read, and a method that an address does not have."""

from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

from config.views import API

NUL = "\0"


class AdminQueryMiddleware(MiddlewareMixin):
    """Answers 400 to an admin page whose query holds a NUL: filters and prefilled forms would ask the database for it.

    Everywhere else each field of a query has a rule of its own, which strips a NUL or finds nothing for it.
    """

    def process_view(
        self, request: HttpRequest, _view: Callable[..., object], _args: object, _kwargs: object
    ) -> None:
        match = request.resolver_match
        if match is None or "admin" not in match.app_names:
            return
        if any(NUL in text for name, values in request.GET.lists() for text in (name, *values)):
            raise BadRequest("The query holds a NUL.")


def method_page_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Give Django's answer to a method that an address does not have, which is empty, a page. Its headers stay.

    The page is rendered without the request, so that it asks neither the session nor the database.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_bare = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not request.path.startswith(API)
        if is_bare and isinstance(response, HttpResponse) and not response.content:
            response.content = render_to_string("405.html").encode()
        return response

    return middleware
