"""Judges a whole text by rules."""

from collections.abc import Iterable

from guard.rule_books import input_rules
from guard.rules import RuleBook
from guard.scan import RuleMatch, RuleScanner
from guard.verdict import Evidence, Verdict, merge_verdicts
from guard.words import Word, WordReader
from kit.folding import fold

LAYER = "rules"
NOTHING_FOUND = Verdict(layer=LAYER)


def judge_input(text: str) -> Verdict:
    """Judge a person's text by the crisis rules, in linear time."""
    return judge(text, input_rules())


def judge(text: str, book: RuleBook) -> Verdict:
    """Judge a text by one rule book."""
    words = WordReader(book.vocabulary).feed(fold(text), is_last=True)
    scanner = RuleScanner(book.automaton)
    matches = [match for word in words for match in scanner.read(word)]
    return build_verdict([*matches, *scanner.finish()], words, book)


def build_verdict(
    matches: Iterable[RuleMatch], words: list[Word], book: RuleBook, *, first_word: int = 0
) -> Verdict:
    """Build one verdict from matches, with the first evidence of each rule. `words` begin at word `first_word`."""
    verdicts: dict[int, Verdict] = {}
    for match in matches:
        if match.rule not in verdicts:
            rule = book.rules[match.rule]
            start, end = words[match.start - first_word].start, words[match.end - 1 - first_word].end
            evidence = Evidence(LAYER, rule.id, start, end)
            verdicts[match.rule] = Verdict(rule.level, rule.categories, (evidence,), layer=LAYER)
    return merge_verdicts(NOTHING_FOUND, *verdicts.values())
