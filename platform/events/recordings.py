"""An event's recording, captions and transcript."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

from events.models import Event
from kit.lazy import lazy_module
from kit.texts import normalize_line

if TYPE_CHECKING:
    import webvtt
else:
    webvtt = lazy_module("webvtt")

MAX_CAPTION_BYTES = 1024 * 1024
# The library also accepts a first line such as "WEBVTTX".
_SIGNATURE = re.compile(r"\ufeff?WEBVTT(?:[ \t\r\n]|\Z)")


class NotCaptions(ValueError):
    """The text is not WebVTT with at least one cue."""


@dataclass(frozen=True)
class Cue:
    """One caption, with its start and end from the beginning of the recording."""

    start: timedelta
    end: timedelta
    text: str

    @property
    def seconds(self) -> int:
        """When the cue starts, in whole seconds from the beginning."""
        return int(self.start.total_seconds())

    @property
    def clock(self) -> str:
        """The start as a player shows it: "4:05" or "1:02:30"."""
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@lru_cache(maxsize=8)
def parse_cues(text: str) -> tuple[Cue, ...]:
    """Parse the cues of a WebVTT file, in order, without styles and tags. Raises NotCaptions if there are none.

    An hour of captions takes 0.1 s, so recent results are cached: people search a transcript several times.
    """
    if not _SIGNATURE.match(text):
        raise NotCaptions
    cues = tuple(cue for caption in webvtt.from_string(text).captions if (cue := _read_caption(caption)).text)
    if not cues:
        raise NotCaptions
    return cues


def _read_caption(caption: "webvtt.Caption") -> Cue:
    start, end = (
        timedelta(milliseconds=time.in_milliseconds()) for time in (caption.start_time, caption.end_time)
    )
    return Cue(start, end, normalize_line(html.unescape(caption.text)))


def search_cues(cues: Sequence[Cue], words: str) -> tuple[Cue, ...]:
    """Return the cues that contain all of the words, ignoring case. With no words, return all cues."""
    wanted = words.casefold().split()
    return tuple(cue for cue in cues if all(word in cue.text.casefold() for word in wanted))


MEDIA_EXTENSIONS = (".mp4", ".m4v", ".webm", ".mp3", ".m4a", ".ogg")


def is_media_file(url: str) -> bool:
    """Return whether a URL ends like a file that browsers play."""
    return urlsplit(url).path.lower().endswith(MEDIA_EXTENSIONS)


def allow_recording(
    event: Event, page: Callable[[HttpRequest], HttpResponse]
) -> Callable[[HttpRequest], HttpResponse]:
    """Wrap a view so that its Content-Security-Policy allows media from the recording's origin."""
    parts = urlsplit(event.recording_url)
    allowed: dict[str, list[str]] = {"media-src": [CSP.SELF, f"{parts.scheme}://{parts.netloc}"]}
    return csp_override({**settings.SECURE_CSP, **allowed})(page)
