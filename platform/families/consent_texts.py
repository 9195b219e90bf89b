"""The words of every version of the consent. A version that was ever shown stays in `data/consents/`, unchanged."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.translation import get_language

DATA = Path(__file__).parent / "data" / "consents"
# The versions are dates, so the greatest is the newest.
FALLBACK = "en"


@dataclass(frozen=True)
class ConsentText:
    """The words that are agreed to. `hash` proves which ones they were."""

    version: str
    language: str
    title: str
    points: tuple[str, ...]

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps([self.title, self.points]).encode()).hexdigest()


def get_current_text() -> ConsentText:
    """Today's words in the reader's language, or in English. The version is the same in every language."""
    newest = max(text.version for text in list_texts())
    texts = {text.language: text for text in list_texts() if text.version == newest}
    return texts.get(get_language() or FALLBACK) or texts[FALLBACK]


def find_text(*, version: str, text_hash: str) -> ConsentText | None:
    """The words of a version with this hash, in whichever language they were read."""
    matching = (text for text in list_texts() if text.version == version and text.hash == text_hash)
    return next(matching, None)


@cache
def list_texts() -> tuple[ConsentText, ...]:
    return tuple(_read_text(path) for path in sorted(DATA.glob("*.toml")))


def _read_text(path: Path) -> ConsentText:
    """A file is named after its version and its language: `2026-11-23.en.toml`."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    version, language = path.stem.rsplit(".", 1)
    return ConsentText(version, language, data["title"], tuple(data["points"]))
