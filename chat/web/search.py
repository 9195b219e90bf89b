"""A person searches what they asked and were answered, in their own conversations.

A word is found inside other words too, in any case and with or without its accents. Each becomes one regular expression
that PostgreSQL and Python read alike, so what is marked in an excerpt is what was found. The letters' variants are
spelled out, as whether PostgreSQL folds them depends on how its cluster was made.
"""

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.db.models import Q, QuerySet
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Person
from chat.models import Turn, TurnState
from chat.selectors import drop_duplicate_questions, list_conversations, list_turns
from chat.web.conversation import get_place_url
from kit.rate_limits import RateLimit
from kit.texts import normalize_line

search_rate_limit = RateLimit("chat-searches", "30/minute;300/hour")
MIN_SEARCH_LENGTH = 2
MAX_SEARCH_LENGTH = 100
RESULTS_A_PAGE = 20
# Letters before and after what was found.
BEFORE, EXCERPT = 60, 180
# A help card stands where their answer would, so what such a turn may have for an answer is on no page.
UNANSWERED = (TurnState.CARDED, TurnState.PAUSED)
COMBINING = "[\u0300-\u036f]*"
APOSTROPHES = "['\u2019]"
# What Markdown adds to an answer's words.
MARKUP = re.compile(r"\*\*|__|[*`]|^ {0,3}(?:#{1,6} |> )|\[(?=[^\]]*\]\()|\]\([^)\s]*\)", re.MULTILINE)


@dataclass(frozen=True)
class SearchResult:
    """A turn that was found, with what was searched for in `<mark>`."""

    turn: Turn
    title: SafeString
    excerpt: SafeString

    @property
    def address(self) -> str:
        return get_place_url(self.turn)


def clean_search(given: str) -> str:
    """What was typed into the search, as it is read and shown again: one line of at most 100 letters."""
    return normalize_line(given[: MAX_SEARCH_LENGTH * 4])[:MAX_SEARCH_LENGTH]


def find_turns(person: Person, words: str) -> QuerySet[Turn]:
    """The person's turns that have every one of `words`, in the question or the answer.

    A conversation whose title has them is found by its first turn. What is closed to whoever signs in as the person
    is not found, nor is a turn that another replaced.
    """
    shown = drop_duplicate_questions(list_turns(person))
    said, titled = Q(), list_conversations(person)
    for pattern in _build_patterns(words):
        said &= Q(question__regex=pattern) | (Q(answer__regex=pattern) & ~Q(state__in=UNANSWERED))
        titled = titled.filter(title__regex=pattern)
    begun = shown.filter(conversation__in=titled.order_by().values("pk"))
    first = begun.order_by("conversation", "asked_at", "pk").distinct("conversation")
    return shown.filter(said | Q(pk__in=first.values("pk"))).select_related("conversation")


def build_results(turns: Sequence[Turn], words: str) -> list[SearchResult]:
    found = re.compile("|".join(sorted(_build_patterns(words), key=len, reverse=True)))
    return [
        SearchResult(turn, _mark_matches(turn.conversation.title, found), _build_excerpt(turn, found))
        for turn in turns
    ]


def _build_patterns(words: str) -> list[str]:
    folded = unicodedata.normalize("NFC", words.lower())
    return ["".join(map(_build_pattern, word)) for word in dict.fromkeys(folded.split())]


def _build_pattern(letter: str) -> str:
    if letter in "'\u2019":
        return APOSTROPHES
    if letter.isalpha():
        plain = unicodedata.normalize("NFD", letter)[0]
        variants = _get_variants()[plain] if plain in _get_variants() else {letter, letter.upper()[0]}
        return f"[{''.join(sorted(variants))}]{COMBINING}"
    # Before anything but a letter or a digit a backslash makes either reader take it as it is.
    return f"\\{letter}" if letter in string.punctuation and letter != "_" else letter


@cache
def _get_variants() -> dict[str, set[str]]:
    """The Latin letters in both cases with and without accents, by the small letter without them."""
    variants = {letter: {letter, letter.upper()} for letter in string.ascii_lowercase}
    for code in range(0xC0, 0x180):
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        if plain in variants:
            variants[plain].add(chr(code))
    return variants


def _build_excerpt(turn: Turn, found: re.Pattern[str]) -> SafeString:
    """The words around the first thing found: in the question, or else in the answer."""
    texts = [turn.question] if turn.state in UNANSWERED else [turn.question, turn.answer]
    for text in (" ".join(MARKUP.sub("", text).split()) for text in texts):
        if hit := found.search(text):
            return _mark_matches(_cut_around(text, hit.start()), found)
    return _mark_matches(_cut_around(" ".join(turn.question.split()), 0), found)


def _cut_around(text: str, at: int) -> str:
    """Some of a text around a place in it, in whole words where it has blanks."""
    start = max(0, at - BEFORE)
    if start:
        start = text.find(" ", start, at) + 1 or start
    end = len(text)
    if end > start + EXCERPT:
        end = text.rfind(" ", start + EXCERPT // 2, start + EXCERPT)
        end = end if end > 0 else start + EXCERPT
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")


def _mark_matches(text: str, found: re.Pattern[str]) -> SafeString:
    """A text as HTML: what was found in `<mark>`, and everything escaped."""
    marked, last = "", 0
    for hit in found.finditer(text):
        marked += f"{escape(text[last : hit.start()])}<mark>{escape(hit.group())}</mark>"
        last = hit.end()
    return mark_safe(marked + escape(text[last:]))  # noqa: S308 - every piece is escaped above
