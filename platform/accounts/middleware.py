from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from accounts.throttle import TooOften


class TooOftenMiddleware(MiddlewareMixin):
    """Answers TooOften with the 429 page and a Retry-After header, in seconds."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, TooOften):
            return None
        context = {"wait_seconds": exception.wait_seconds}
        response = render(request, "429.html", context, status=429)
        response.headers["Retry-After"] = str(exception.wait_seconds)
        return response
