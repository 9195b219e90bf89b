"""Rewrite a question in the words of lessons: people write informally, and search compares words."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kit.authored import read_toml

FOLDER = Path(__file__).parent
# More words of a long question only cost time.
MAX_WORDS = 40
MAX_WORD_LENGTH = 60
WORD = re.compile(r"[\w'’]+")


@dataclass(frozen=True)
class Wording:
    """How people write in one language. For an unknown language, words stay as they are."""

    plain: dict[str, str]
    ordinary: str = ""
    subject: frozenset[str] = frozenset()

    def simplify_words(self, question: str) -> list[str]:
        """Return the question's words, lowercase, in plain language and without duplicates.

        For a long text, only the first and last words: the question about homework is above or below it.
        """
        lowercase = unicodedata.normalize("NFC", question).lower().replace("’", "'")
        if self.plain:
            lowercase = self._slang_pattern.sub(lambda match: self.plain[match[0]], lowercase)
        words = list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in WORD.findall(lowercase)))
        half = MAX_WORDS // 2
        return words if len(words) <= MAX_WORDS else words[:half] + words[-half:]

    def is_on_subject(self, words: list[str]) -> bool:
        """Return whether the words name AI, the subject of the site."""
        return not self.subject.isdisjoint(words)

    @property
    def _slang_pattern(self) -> re.Pattern[str]:
        return _compile_alternatives(tuple(self.plain))


@cache
def _compile_alternatives(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, longest_first))})(?![\w'])")


@cache
def get_wording(language: str) -> Wording:
    """Return a language's wording. Raises kit.authored.InvalidFile with every error in its file."""
    path = FOLDER / f"{language}.toml"
    if not path.is_file():
        return Wording({})
    from courses.retrieval.wording.schema import WordingFile  # noqa: PLC0415 - it imports pydantic
    from kit.schemas import validate  # noqa: PLC0415

    file = validate(WordingFile, read_toml(path))
    plain = {slang: word for word, many in file.plain.items() for slang in many}
    return Wording(
        plain=plain | dict.fromkeys(file.filler, ""),
        ordinary=" ".join(file.ordinary),
        subject=frozenset(file.subject),
    )
