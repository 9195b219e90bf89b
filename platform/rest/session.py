"""Who asks: whoever is signed in to the site, by the session of its pages."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from rest.problems import CSRF_FAILED, Problem


class SiteSessionAuthentication(SessionAuthentication):
    def authenticate_header(self, request: Request) -> str:
        """Without one the library would tell somebody who is not signed in that they may not: 403 and not 401."""
        return 'Cookie realm="Kitchen Table"'

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as fault:
            raise Problem(CSRF_FAILED) from fault
