"""The site's own public address, for what leaves it: mails, calendars, feeds. Never the host that a request names."""

from urllib.parse import urlsplit

from django.conf import settings


def build_absolute_url(path: str) -> str:
    """The public address of one of this site's paths."""
    return settings.SITE_URL.rstrip("/") + path


def get_site_host() -> str:
    """The site's host, without a port."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def move_to_site_host(url: str) -> str:
    """A link of this site at its public address, whichever host it was made with."""
    return build_absolute_url(urlsplit(url)._replace(scheme="", netloc="").geturl())
