"""What somebody asks, in the words that a lesson would use: people write as they talk, and a search reads words."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# More words of a long question add nothing but work.
MAX_WORDS = 40
MAX_WORD_LENGTH = 60
WORD = re.compile(r"[\w'’]+")


@dataclass(frozen=True)
class Wording:
    """How people write in one language. Where none is known, words are taken as they stand."""

    plain: dict[str, str]
    ordinary: str = ""
    subject: frozenset[str] = frozenset()

    def words_of(self, question: str) -> list[str]:
        """The words of a question that are told apart, small and plain, each once.

        Of a long text the first and the last, as what is asked about homework stands above it or below.
        """
        small = question.lower().replace("’", "'")
        if self.plain:
            small = self._known.sub(lambda found: self.plain[found[0]], small)
        words = list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in WORD.findall(small)))
        half = MAX_WORDS // 2
        return words if len(words) <= MAX_WORDS else words[:half] + words[-half:]

    def is_on_subject(self, words: list[str]) -> bool:
        """Whether a question names what the whole site is about."""
        return not self.subject.isdisjoint(words)

    @property
    def _known(self) -> re.Pattern[str]:
        return _compile_any_of(tuple(self.plain))


@cache
def _compile_any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, longest_first))})(?![\w'])")


@cache
def get_wording(language: str) -> Wording:
    path = Path(__file__).parent / f"{language}.toml"
    if not path.is_file():
        return Wording({})
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    plain = {slang: word for word, many in told["plain"].items() for slang in many}
    return Wording(
        plain=plain | dict.fromkeys(told["filler"], ""),
        ordinary=" ".join(told["ordinary"]),
        subject=frozenset(told["subject"]),
    )
