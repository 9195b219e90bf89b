"""A person's own conversations: their list, and the search in them.

A word is also found inside other words, in any case, and with or without accents. Each word becomes a regular
expression that PostgreSQL and Python read alike, so excerpts mark exactly what was found. The variants of letters are
spelled out, because PostgreSQL's case folding depends on the cluster's locale.
"""

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from accounts.access import get_person, sign_in_required
from accounts.models import Person
from chat.models import Turn, TurnState
from chat.selectors import drop_duplicate_questions, list_conversations, list_turns
from chat.web.conversation import get_place_url
from kit.free_text import free_text_fields
from kit.paging import Page, paginate
from kit.rate_limits import RateLimit, RateLimited, format_rate_limited, mark_rate_limited
from kit.texts import normalize_line
from safeguarding.crisis import build_cards_for_search

search_rate_limit = RateLimit("chat-searches", "30/minute;300/hour")
MIN_SEARCH_LENGTH = 2
MAX_SEARCH_LENGTH = 100
CONVERSATIONS_PER_PAGE = 30
RESULTS_PER_PAGE = 20
# The characters of an excerpt: before the match, and in total.
EXCERPT_BEFORE, EXCERPT_LENGTH = 60, 180
# These turns show a crisis card. If one also has an answer, no page shows it.
UNANSWERED = (TurnState.CARDED, TurnState.PAUSED)
COMBINING = "[\u0300-\u036f]*"
APOSTROPHES = "['\u2019]"
# Markdown syntax, which excerpts leave out.
MARKUP = re.compile(r"\*\*|__|[*`]|^ {0,3}(?:#{1,6} |> )|\[(?=[^\]]*\]\()|\]\([^)\s]*\)", re.MULTILINE)


@dataclass(frozen=True)
class SearchResult:
    """A turn that was found, with the matches in `<mark>`."""

    turn: Turn
    title: SafeString
    excerpt: SafeString

    @property
    def address(self) -> str:
        return get_place_url(self.turn)


def clean_search(typed: str) -> str:
    """Return the search text as one line of at most 100 characters."""
    return normalize_line(typed[: MAX_SEARCH_LENGTH * 4])[:MAX_SEARCH_LENGTH]


def find_turns(person: Person, words: str) -> QuerySet[Turn]:
    """Return the person's turns that contain every one of `words`, in the question or the answer.

    A conversation whose title matches is found by its first turn. Sealed conversations and replaced turns are not
    found.
    """
    shown = drop_duplicate_questions(list_turns(person))
    matching, titled = Q(), list_conversations(person)
    for pattern in _build_patterns(words):
        matching &= Q(question__regex=pattern) | (Q(answer__regex=pattern) & ~Q(state__in=UNANSWERED))
        titled = titled.filter(title__regex=pattern)
    in_titled = shown.filter(conversation__in=titled.order_by().values("pk"))
    first = in_titled.order_by("conversation", "asked_at", "pk").distinct("conversation")
    return shown.filter(matching | Q(pk__in=first.values("pk"))).select_related("conversation")


def build_results(turns: Sequence[Turn], words: str) -> list[SearchResult]:
    """Return the results of `find_turns` with their matches marked. `words` must not be empty."""
    any_word = re.compile("|".join(sorted(_build_patterns(words), key=len, reverse=True)))
    return [
        SearchResult(turn, _mark_matches(turn.conversation.title, any_word), _build_excerpt(turn, any_word))
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
    # Both regex engines take an escaped character literally if it is not a letter or a digit.
    return f"\\{letter}" if letter in string.punctuation and letter != "_" else letter


@cache
def _get_variants() -> dict[str, set[str]]:
    """Return the Latin letters in both cases with and without accents, by their plain lowercase letter."""
    variants = {letter: {letter, letter.upper()} for letter in string.ascii_lowercase}
    for code in range(0xC0, 0x180):
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        if plain in variants:
            variants[plain].add(chr(code))
    return variants


def _build_excerpt(turn: Turn, any_word: re.Pattern[str]) -> SafeString:
    """Return the text around the first match: in the question, or else in the answer."""
    texts = [turn.question] if turn.state in UNANSWERED else [turn.question, turn.answer]
    for text in (" ".join(MARKUP.sub("", text).split()) for text in texts):
        if hit := any_word.search(text):
            return _mark_matches(_cut_around(text, hit.start()), any_word)
    return _mark_matches(_cut_around(" ".join(turn.question.split()), 0), any_word)


def _cut_around(text: str, at: int) -> str:
    """Return part of a text around a position, in whole words if it has spaces."""
    start = max(0, at - EXCERPT_BEFORE)
    if start:
        start = text.find(" ", start, at) + 1 or start
    end = len(text)
    if end > start + EXCERPT_LENGTH:
        end = text.rfind(" ", start + EXCERPT_LENGTH // 2, start + EXCERPT_LENGTH)
        end = end if end > 0 else start + EXCERPT_LENGTH
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")


def _mark_matches(text: str, any_word: re.Pattern[str]) -> SafeString:
    """Return a text as escaped HTML, with the matches in `<mark>`."""
    marked, last = "", 0
    for hit in any_word.finditer(text):
        marked += f"{escape(text[last : hit.start()])}<mark>{escape(hit.group())}</mark>"
        last = hit.end()
    return mark_safe(marked + escape(text[last:]))  # noqa: S308 - every piece is escaped above


@sign_in_required
@require_safe
@free_text_fields("q")
def conversations(request: HttpRequest) -> HttpResponse:
    """Show all conversations, or the results for `q`, newest first and in pages. The search text is never logged."""
    person, words = get_person(request), clean_search(request.GET.get("q", ""))
    cursor = request.GET.get("before", "")
    page = {"person": person, "words": words, "longest": MAX_SEARCH_LENGTH, "is_first": not cursor}
    if not words:
        listed = paginate(
            list_conversations(person), by="asked_at", size=CONVERSATIONS_PER_PAGE, cursor=cursor
        )
        return render(request, "chat/conversations.html", page | {"listed": listed})
    turns: Page[Turn] = Page(())
    limited = None
    if len(words) >= MIN_SEARCH_LENGTH:
        try:
            search_rate_limit.hit(person.pk)
        except RateLimited as error:
            limited = error
    if len(words) >= MIN_SEARCH_LENGTH and not limited:
        turns = paginate(find_turns(person, words), by="asked_at", size=RESULTS_PER_PAGE, cursor=cursor)
    page |= {
        "listed": turns,
        "hits": build_results(turns.rows, words),
        "is_too_short": len(words) < MIN_SEARCH_LENGTH,
        "cards": build_cards_for_search(request, request.GET["q"]),
        "error": format_rate_limited(limited) if limited else "",
    }
    response = render(request, "chat/search_results.html", page)
    return mark_rate_limited(response, limited) if limited else response
