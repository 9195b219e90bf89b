"""An event's recording, captions and transcript."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

from events.models import Event
from kit.texts import normalize_line

MAX_CAPTION_BYTES = 1024 * 1024
_TIME = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMES = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t].*)?")
_TAG = re.compile(r"<[^>]*>")


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
        return int(self.start.total_seconds())

    @property
    def clock(self) -> str:
        """The start as a player shows it: "4:05" or "1:02:30"."""
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def parse_cues(text: str) -> list[Cue]:
    """Parse the cues of a WebVTT file, in order, without styles and tags. Raises NotCaptions if there are none."""
    blocks = re.split(
        r"\n{2,}", text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip()
    )
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", blocks[0]):
        raise NotCaptions
    cues = [cue for block in blocks[1:] if (cue := _parse_cue(block.split("\n")))]
    if not cues:
        raise NotCaptions
    return cues


def _parse_cue(lines: list[str]) -> Cue | None:
    """Parse a block. Return None for a note, a style or a region."""
    for number, line in enumerate(lines[:2]):
        times = _TIMES.fullmatch(line.strip())
        if times:
            text = normalize_line(html.unescape(_TAG.sub("", " ".join(lines[number + 1 :]))))
            parts = times.groups()
            return Cue(_parse_moment(parts[:4]), _parse_moment(parts[4:]), text) if text else None
    return None


def _parse_moment(parts: tuple[str | None, ...]) -> timedelta:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=thousandths)


def search_cues(cues: list[Cue], words: str) -> list[Cue]:
    """Return the cues that contain all of the words, ignoring case. With no words, return all cues."""
    wanted = words.casefold().split()
    return [cue for cue in cues if all(word in cue.text.casefold() for word in wanted)]


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
