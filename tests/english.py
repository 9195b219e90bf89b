"""Finds English that was left on a Spanish page: catalog texts, function words, months.

Elements in another language (`lang="en"`), names (`translate="no"`), code and what people wrote (`bdi`) are left out.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.pofile import read_po

CATALOG = Path(__file__).parents[1] / "locale" / "es" / "LC_MESSAGES" / "django.po"
# None of them is a Spanish word, and hardly a sentence of English has none of them.
FUNCTION_WORDS = set(
    """
    about after all and any are because been before below both but can can’t could did didn’t does doesn’t don’t each
    for from had have haven’t how i’m if in into is isn’t it its it’s more most my not of on only or other our
    out over should so some than that the their them then there these they this those to until was we were what when
    where which while who why will with without would yes you your yours
    """.split()  # noqa: SIM905
)
DATES = set(
    """
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday
    """.split()  # noqa: SIM905
)
# Names that contain such words, addresses, names of time zones, and what scripts fill in.
NAMES = re.compile(
    r"Crisis Text Line|The Trevor Project|The Advocate|Kids Help Phone|Kitchen Table|Single Sign-On|"
    r"Retry-After|wait_for_model|"
    r"The New York Times|The Star|The Decoder|(?i:take it down)|National Center for Missing & Exploited Children|"
    r"Center for Democracy & Technology|Society for Computers and Law|People of Internet Research|"
    r"Not For Private Gain|ORGANIZATION|[A-Z]+(?:_[A-Z]+)+|[\w.]+@[\w.]+|"
    r"https?://\S+|localhost:\d+/\S+|[A-Z]\w+(?:/\w[\w+-]*)+|\{\w*\}"
)
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w*\}|%%")
WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNREAD = {"script", "style", "code", "pre", "kbd", "textarea", "bdi"}
READ_ATTRIBUTES = {"alt", "aria-description", "aria-label", "label", "placeholder", "title"}


class _Texts(HTMLParser):
    """Collects the texts of a page that are in its own language."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._languages: list[tuple[str, str, bool]] = []

    @property
    def _is_read(self) -> bool:
        return all(is_read for _, _, is_read in self._languages)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        is_read = (
            tag not in UNREAD and known.get("lang", "es").startswith("es") and known.get("translate") != "no"
        )
        if self._is_read and is_read:
            self.texts += [value for name, value in known.items() if _is_text(tag, name, known)]
        if tag not in VOID:
            self._languages.append((tag, known.get("lang", ""), is_read))

    def handle_endtag(self, tag: str) -> None:
        while self._languages and self._languages.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._is_read:
            self.texts.append(data)


def _is_text(tag: str, name: str, known: dict[str, str]) -> bool:
    """Whether people read or hear the value of this attribute."""
    if tag == "meta":
        return name == "content" and known.get("name") == "description"
    if tag == "input":
        return (name == "value" and known.get("type") in {"submit", "button"}) or name in READ_ATTRIBUTES
    return name in READ_ATTRIBUTES or (name.startswith("data-") and " " in known[name])


def find_english(page: str, *, names: Iterable[str] = ()) -> list[str]:
    """Return the texts of a Spanish page that are English, or partly so. `names` may be in English."""
    texts = _Texts()
    texts.feed(page)
    found = []
    for text in {" ".join(text.split()) for text in texts.texts}:
        rest = text
        for name in names:
            rest = rest.replace(name, "")
        if rest and _is_english(rest):
            found.append(text)
    return sorted(found)


def _is_english(text: str) -> bool:
    rest = NAMES.sub("", text)
    words = [word.lower() for word in WORD.findall(rest)]
    return (
        not FUNCTION_WORDS.isdisjoint(words)
        or not DATES.isdisjoint(words)
        or text in _read_messages()
        or any(pattern.fullmatch(rest) for pattern in _read_patterns())
    )


@cache
def _read_pairs() -> list[tuple[str, str]]:
    with CATALOG.open("rb") as file:
        return [
            (" ".join(english.split()), " ".join(spanish.split()))
            for message in read_po(file, locale="es")
            if message.id
            for english, spanish in _split_plural(message.id, message.string)
        ]


def _split_plural(english: object, spanish: object) -> Iterator[tuple[str, str]]:
    if isinstance(english, str):
        yield english, str(spanish)
    else:
        assert isinstance(english, tuple)
        assert isinstance(spanish, tuple)
        yield from zip(english, spanish, strict=True)


@cache
def _read_messages() -> frozenset[str]:
    """Return the English texts of the catalog that are not Spanish too."""
    spanish = {text for _, text in _read_pairs()}
    return frozenset(text for text, _ in _read_pairs()) - spanish


@cache
def _read_patterns() -> list[re.Pattern[str]]:
    """Return a pattern for each English text with placeholders and words of its own around them."""
    patterns = []
    for english, spanish in _read_pairs():
        parts = PLACEHOLDER.split(english)
        if len(parts) > 1 and english != spanish and any(WORD.search(part) for part in parts):
            patterns.append(re.compile(".{1,60}".join(map(re.escape, parts))))
    return patterns
