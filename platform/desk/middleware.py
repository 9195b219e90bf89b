"""Pages for staff show times in the zone of the person who reads them, and take typed times in it."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from accounts.models import Person

ZONED_PAGES = {"admin", "desk"}


class StaffZoneMiddleware(MiddlewareMixin):
    """Activates the reader's zone for the admin's pages and the desk's. Other pages name a zone with each time."""

    def process_view(
        self, request: HttpRequest, _view: Callable[..., object], _args: object, _kwargs: object
    ) -> None:
        """Activate the zone, for the form and for the page, which is rendered after the view."""
        match = request.resolver_match
        if match is None or ZONED_PAGES.isdisjoint(match.app_names):
            return
        if isinstance(request.user, Person):
            timezone.activate(request.user.zone)

    def process_response(self, _request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # The next request on this thread begins in the server's zone again.
        timezone.deactivate()
        return response
