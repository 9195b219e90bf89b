"""The site's public address, for emails, calendars and feeds. It never comes from a request's Host header."""

from urllib.parse import urlsplit

from django.conf import settings


def build_absolute_url(path: str) -> str:
    """Return the public URL of a path on this site."""
    return settings.SITE_URL.rstrip("/") + path


def get_site_host() -> str:
    """Return the site's host without a port, or "localhost" if SITE_URL has none."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def move_to_site_host(url: str) -> str:
    """Return a URL of this site with the public scheme and host in place of its own."""
    return build_absolute_url(urlsplit(url)._replace(scheme="", netloc="").geturl())
