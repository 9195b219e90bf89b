"""What an answer cost, as its owner's page shows it: a bar and words for each part."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.memory.costs import CostPart, PartCost, TalkCost, round_to_two_digits, split_answer_cost
from chat.models import Turn
from chat.plans import WORDS_PER_TOKEN
from routing.formatting import format_dollars

# The bar's length in its own units, and how long a part is drawn at least.
BAR_LENGTH, MIN_PART_LENGTH = 1000, 6


@dataclass(frozen=True, kw_only=True)
class ShownPart:
    """A part of an answer's cost. Its bar begins where that of the part before ended; the cached tokens come first.

    Places and lengths are strings: a template would format numbers for readers.
    """

    label: str
    text: str
    cached_start: str
    cached_length: str
    start: str
    length: str


@dataclass(frozen=True, kw_only=True)
class ShownCost:
    """What an answer cost. `talk_text` and `full_text` compare the conversation with full memory, or are ""."""

    parts: Sequence[ShownPart]
    has_cached: bool
    price_text: str
    talk_text: str
    full_text: str


def build_shown_cost(turn: Turn, talk: TalkCost | None) -> ShownCost | None:
    """Return what a turn cost by part, and its conversation so far; None if it was not charged."""
    costs = split_answer_cost(turn)
    if not costs:
        return None
    has_comparison = talk is not None and talk.answers > 1
    return ShownCost(
        parts=_build_parts(costs, has_lessons=bool(turn.passages)),
        has_cached=any(cost.cached_tokens for cost in costs),
        price_text=format_dollars(turn.microdollars) if turn.microdollars else "",
        talk_text=format_talk(talk) if talk and has_comparison else "",
        full_text=format_full_memory(talk) if talk and has_comparison else "",
    )


def _build_parts(costs: Sequence[PartCost], *, has_lessons: bool) -> list[ShownPart]:
    total = sum(cost.tokens for cost in costs)
    labels = _get_labels(has_lessons=has_lessons)
    shown, before = [], 0
    for cost in costs:
        if not cost.tokens:
            continue
        fresh = cost.tokens - cost.cached_tokens
        shown.append(
            ShownPart(
                label=labels[cost.part],
                text=_format_words(cost),
                cached_start=_scale(before, total),
                cached_length=_scale(cost.cached_tokens, total, is_length=True),
                start=_scale(before + cost.cached_tokens, total),
                length=_scale(fresh, total, is_length=True),
            )
        )
        before += cost.tokens
    return shown


def _get_labels(*, has_lessons: bool) -> dict[CostPart, str]:
    return {
        CostPart.INSTRUCTIONS: _("Instructions"),
        CostPart.REMEMBERED: _("Remembered"),
        CostPart.QUESTION: _("Your question"),
        # Without a lesson, this part of a prompt only says that there is none.
        CostPart.AFTER_QUESTION: _("Lessons") if has_lessons else _("Instructions for this question"),
        CostPart.ANSWER: _("The answer"),
    }


def _scale(tokens: int, total: int, *, is_length: bool = False) -> str:
    """Return a place or a length on the bar. A short part stays visible."""
    if not is_length:
        return str(min(tokens * BAR_LENGTH // total, BAR_LENGTH - MIN_PART_LENGTH))
    return str(max(tokens * BAR_LENGTH // total, MIN_PART_LENGTH)) if tokens else "0"


def count_words(tokens: int) -> int:
    """Return about how many words some tokens are, with two digits that count; at least 1."""
    return round_to_two_digits(max(1, round(tokens * WORDS_PER_TOKEN)))


def _format_words(cost: PartCost) -> str:
    words, cached = count_words(cost.tokens), count_words(cost.cached_tokens)
    named = {"words": _format_number(words), "cached": _format_number(cached)}
    if not cost.cached_tokens:
        return ngettext("about %(words)s word", "about %(words)s words", words) % named
    if cached == words:
        return (
            ngettext(
                "about %(words)s word, read again from the cache",
                "about %(words)s words, all read again from the cache",
                words,
            )
            % named
        )
    return (
        ngettext(
            "about %(words)s words, %(cached)s of them read again from the cache",
            "about %(words)s words, %(cached)s of them read again from the cache",
            cached,
        )
        % named
    )


def format_talk(talk: TalkCost) -> str:
    """Say what a conversation has cost so far."""
    named = {
        "answers": _format_number(talk.answers),
        "words": _format_number(count_words(talk.tokens)),
        "price": format_dollars(talk.microdollars),
    }
    if talk.microdollars:
        return _("This talk so far: %(answers)s answers, about %(words)s words, %(price)s.") % named
    return _("This talk so far: %(answers)s answers, about %(words)s words.") % named


def format_full_memory(talk: TalkCost) -> str:
    """Say what the same answers would have cost if the tutor remembered everything."""
    words = count_words(talk.full_tokens)
    named = {
        "words": _format_number(words),
        "price": format_dollars(round_to_two_digits(talk.full_microdollars)),
    }
    if words <= count_words(talk.tokens):
        return _("With full memory it would have been about the same.")
    if talk.full_microdollars:
        return _("With full memory it would have been about %(words)s words, %(price)s.") % named
    return _("With full memory it would have been about %(words)s words.") % named


def _format_number(number: int) -> str:
    return str(number_format(number, force_grouping=True))
