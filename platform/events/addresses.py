"""Absolute addresses, for what leaves the site: mails and calendar files."""

from urllib.parse import urlsplit

from django.conf import settings


def absolute(path: str) -> str:
    """The public address of one of this site's paths."""
    return settings.SITE_URL.rstrip("/") + path


def host() -> str:
    """The site's host, without a port."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"
