"""Authenticates API requests by the session of the site's pages."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from rest.problems import CSRF_FAILED, Problem


class SiteSessionAuthentication(SessionAuthentication):
    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate header. Without it, Django REST framework answers 403 instead of 401."""
        return 'Cookie realm="Kitchen Table"'

    def enforce_csrf(self, request: Request) -> None:
        """Check the CSRF token. Raises Problem."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise Problem(CSRF_FAILED) from error
