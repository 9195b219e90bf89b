"""Recognizes that someone speaks of who they are or whom they love, and keeps the networks from judging them for it.

"I think I am gay, how do I tell my mom?" is no danger and no hate. The networks learned from sets in which such words
often stand beside both. So in a message that is about identity they read the text without the words of identity, and
without the ordinary fear of telling. What remains must show a danger by itself: the second signal. The rules, which say
what a parent does or threatens, read the whole text.
"""

from collections.abc import Iterator

from guard.rule_books import identity_rules
from guard.rules import Rule
from guard.scan import RuleScanner
from guard.verdict import Category, Verdict
from guard.words import WordReader
from kit.folding import fold

LAYER = "identity"
# For the networks in place of a message that says nothing else.
NOTHING_ELSE = "This is about me."
# The end of the ids of rules for mentions that are about no one in particular.
NEUTRAL = ".neutral"


def judge_identity(text: str) -> Verdict:
    """Return a verdict with the category IDENTITY if the text is about that. It never has a level."""
    is_found = any(Category.IDENTITY in rule.categories for rule, _start, _end in _find(text))
    return (
        Verdict(categories=frozenset({Category.IDENTITY}), layer=LAYER) if is_found else Verdict(layer=LAYER)
    )


def mask_identity(text: str) -> str:
    """Return a text for the networks: with spaces for what `judge_identity` found and for the words that go with it.

    So is a neutral mention, as in "a story with a gay character". Any other text is returned unchanged. Positions stay
    the same, as long as anything remains.
    """
    found = list(_find(text))
    if not any(_is_about_identity(rule) for rule, _start, _end in found):
        return text
    for _rule, start, end in found:
        text = text[:start] + " " * (end - start) + text[end:]
    return text if any(character.isalnum() for character in text) else NOTHING_ELSE


def _is_about_identity(rule: Rule) -> bool:
    return Category.IDENTITY in rule.categories or rule.id.endswith(NEUTRAL)


def _find(text: str) -> Iterator[tuple[Rule, int, int]]:
    """Yield the rules that match, and where."""
    book = identity_rules()
    words = WordReader(book.vocabulary).feed(fold(text), is_last=True)
    scanner = RuleScanner(book.automaton)
    matches = [match for word in words for match in scanner.read(word)]
    for match in (*matches, *scanner.finish()):
        yield book.rules[match.rule], words[match.start].start, words[match.end - 1].end
