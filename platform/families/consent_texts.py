"""Every version of the consent text. A version that was ever shown stays in `data/consents/`, unchanged."""

import hashlib
import json
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

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps([self.title, self.points]).encode()).hexdigest()


def get_current_text() -> ConsentText:
    """Return the newest version, in the reader's language or in English."""
    newest = max(text.version for text in list_texts())
    texts = {text.language: text for text in list_texts() if text.version == newest}
    return texts.get(get_language() or FALLBACK) or texts[FALLBACK]


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
    return ConsentText(version, language, file.title, file.points)
