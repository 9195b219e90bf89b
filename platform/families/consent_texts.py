"""Every version of the consent text. A version that was ever shown stays in `data/consents/`, unchanged.

There are two current texts: one for sites where no one reads what teens write, and one for sites where people of the
organization review crises (safeguarding.human_review, a room above, which registers whether they do).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from django.utils.translation import get_language

from kit.authored import FileErrors, InvalidFile, read_toml

DATA = Path(__file__).parent / "data" / "consents"
# The versions are dates, so the greatest is the newest.
FALLBACK = "en"


@dataclass(frozen=True)
class ConsentText:
    """A text that people agree to. `hash` is the evidence of its wording."""

    version: str
    language: str
    title: str
    points: tuple[str, ...]
    # Whether it says that people of the organization review crises.
    covers_review: bool = False

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps([self.title, self.points]).encode()).hexdigest()


def _is_never_on() -> bool:
    return False


_is_review_on: Callable[[], bool] = _is_never_on


def register_review_check(is_review_on: Callable[[], bool]) -> None:
    """Have `get_current_text` ask whether people review crises now."""
    global _is_review_on  # noqa: PLW0603 - a registration
    _is_review_on = is_review_on


def get_current_text() -> ConsentText:
    """Return the text that people agree to now, in the reader's language or in English."""
    return get_newest_text(covers_review=_is_review_on())


def get_newest_text(*, covers_review: bool) -> ConsentText:
    """Return the newest text with or without review, in the reader's language or in English."""
    texts = [text for text in list_texts() if text.covers_review == covers_review]
    newest = max(text.version for text in texts)
    by_language = {text.language: text for text in texts if text.version == newest}
    return by_language.get(get_language() or FALLBACK) or by_language[FALLBACK]


def list_versions_in_force() -> list[str]:
    """Return the versions that a teen may use the tutor under now.

    Consent to review also covers a site without it: then less happens than the text allows.
    """
    current = get_current_text()
    newest = {current.version}
    if not current.covers_review:
        newest.add(get_newest_text(covers_review=True).version)
    return sorted(newest)


def find_text(*, version: str, text_hash: str) -> ConsentText | None:
    """Return the text of a version with this hash, in the language in which it was read, or None."""
    matching = (text for text in list_texts() if text.version == version and text.hash == text_hash)
    return next(matching, None)


@cache
def list_texts() -> tuple[ConsentText, ...]:
    """Return every version in every language. Raises kit.authored.InvalidFile with every error of every file."""
    errors = FileErrors()
    texts = [errors.collect(partial(_read_text, path), None) for path in sorted(DATA.glob("*.toml"))]
    errors.raise_any()
    return tuple(filter(None, texts))


def _read_text(path: Path) -> ConsentText:
    """Read a file, whose name has its version and language: `2026-11-23.en.toml`."""
    from families.schemas import ConsentFile  # noqa: PLC0415 - it imports pydantic
    from kit.schemas import validate  # noqa: PLC0415

    source = read_toml(path)
    file = validate(ConsentFile, source)
    version, language = path.stem.rsplit(".", 1)
    if file.version != version:
        what, hint = (
            f"“version” is {file.version}, and the file’s name says {version}.",
            "Make them the same.",
        )
        raise InvalidFile(source.build_error(("version",), what, hint))
    return ConsentText(version, language, file.title, file.points, file.covers_review)
