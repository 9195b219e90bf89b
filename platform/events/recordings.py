"""How a page shows a recording: in a player of its own where it is a file, as a link where it is a page elsewhere."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

from events.models import Event

FILES = (".mp4", ".m4v", ".webm", ".mp3", ".m4a", ".ogg")


def is_file(url: str) -> bool:
    return urlsplit(url).path.lower().endswith(FILES)


def may_play(
    event: Event, page: Callable[[HttpRequest], HttpResponse]
) -> Callable[[HttpRequest], HttpResponse]:
    """The page, allowed to play this one recording from where it lies, and nothing else from there."""
    parts = urlsplit(event.recording_url)
    allowed: dict[str, list[str]] = {"media-src": [CSP.SELF, f"{parts.scheme}://{parts.netloc}"]}
    return csp_override({**settings.SECURE_CSP, **allowed})(page)
