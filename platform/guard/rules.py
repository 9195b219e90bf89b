"""Rules in plain language, from files that a clinician can read."""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard import patterns
from guard.automaton import Automaton, PhraseRole
from guard.patterns import PatternError
from guard.verdict import Category, Level
from guard.vocabulary import Vocabulary

MOST_WORDS = 40
"""No phrase may be able to run longer. So much, at most, is held back of a stream."""

_LEVELS = {
    0: Level.NONE,
    1: Level.STRESS,
    2: Level.HINTS,
    3: Level.STATED,
    4: Level.ACUTE,
    "S": Level.UNSAFE_HOME,
}
_TABLES = {"sets", "spellings", "rules"}
_NEEDED = {"id", "level", "categories", "phrases", "examples"}
_ALLOWED = _NEEDED | {"unless", "not"}


class RuleError(ValueError):
    """A rule file that cannot be used. Its text names the file, the rule and what is wrong."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `examples` must be caught by it and `not_examples` by no rule of its book: the tests try them all."""

    id: str
    level: Level
    categories: frozenset[Category]
    examples: tuple[str, ...]
    not_examples: tuple[str, ...]


class RuleBook:
    """The rules of some files, ready to be followed through a text."""

    def __init__(self, files: Iterable[Path]) -> None:
        read = [_RuleFile(file) for file in files]
        self.rules: Sequence[Rule] = [rule for file in read for rule in file.rules]
        ids = [rule.id for rule in self.rules]
        for rule in self.rules:
            if ids.count(rule.id) > 1:
                raise RuleError(f"two rules are called {rule.id}")
        phrases, first = list[tuple[PhraseRole, patterns.Sequence]](), 0
        for file in read:
            phrases += [(role._replace(rule=first + role.rule), sequence) for role, sequence in file.phrases]
            first += len(file.rules)
        spellings = {word: others for file in read for word, others in file.spellings.items()}
        named = (word for _, sequence in phrases for word in patterns.list_words(sequence) if word != "#")
        self.vocabulary = Vocabulary(named, spellings)
        self.automaton = Automaton(self.vocabulary, phrases)


class _RuleFile:
    """One file, read and checked. Every fault names the file, and the rule where there is one."""

    def __init__(self, file: Path) -> None:
        self._place = file.name
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as fault:
            raise self._fault(f"cannot be read: {fault}") from fault
        self._require(
            set(content) <= _TABLES, f"has {sorted(set(content) - _TABLES)}; it may have {sorted(_TABLES)}"
        )
        self.spellings = {
            patterns.normalize_word(word): [patterns.normalize_word(other) for other in others]
            for word, others in content.get("spellings", {}).items()
        }
        self._sets: dict[str, patterns.Sequence] = {}
        for name, pattern in content.get("sets", {}).items():
            self._sets[name] = self._parse(pattern)
        self.rules: list[Rule] = []
        self.phrases: list[tuple[PhraseRole, patterns.Sequence]] = []
        for entry in content.get("rules", ()):
            self._add(entry)
        self._require(bool(self.rules), "has no rules")

    def _add(self, entry: dict[str, Any]) -> None:
        self._place = f"{self._place.split(':')[0]}: rule {entry.get('id', len(self.rules) + 1)}"
        self._require(set(entry) >= _NEEDED, f"lacks {sorted(_NEEDED - set(entry))}")
        self._require(set(entry) <= _ALLOWED, f"has {sorted(set(entry) - _ALLOWED)}, which no rule has")
        self._require(
            entry["level"] in _LEVELS, f'has level {entry["level"]!r}; it may be 0, 1, 2, 3, 4 or "S"'
        )
        self._require(bool(entry["phrases"] and entry["examples"]), "needs phrases and examples")
        number = len(self.rules)
        matches, holds_back = PhraseRole(number, is_exception=False), PhraseRole(number, is_exception=True)
        self.phrases += [(matches, phrase) for phrase in self._phrases(entry["phrases"])]
        self.phrases += [(holds_back, phrase) for phrase in self._exceptions(entry.get("unless", ()))]
        self.rules.append(
            Rule(
                id=entry["id"],
                level=_LEVELS[entry["level"]],
                categories=frozenset(self._categories(entry["categories"])),
                examples=tuple(entry["examples"]),
                not_examples=tuple(entry.get("not", ())),
            )
        )

    def _categories(self, names: Iterable[str]) -> Iterator[Category]:
        for name in names:
            self._require(
                name in set(Category), f"has the category {name!r}; there are {', '.join(Category)}"
            )
            yield Category(name)

    def _phrases(self, phrases: Iterable[str]) -> Iterator[patterns.Sequence]:
        for phrase, sequence in zip(phrases, self._exceptions(phrases), strict=True):
            self._require(
                not isinstance(sequence[-1], patterns.Gap), f"has “{phrase}”, which ends with a gap"
            )
            yield sequence

    def _exceptions(self, phrases: Iterable[str]) -> Iterator[patterns.Sequence]:
        for phrase in phrases:
            sequence = self._parse(phrase)
            self._require(
                not isinstance(sequence[0], patterns.Gap), f"has “{phrase}”, which begins with a gap"
            )
            yield sequence

    def _parse(self, phrase: str) -> patterns.Sequence:
        try:
            sequence = patterns.parse_phrase(phrase, self._sets)
        except PatternError as fault:
            raise self._fault(f"{fault}") from fault
        fewest, most = patterns.count_words(sequence)
        self._require(fewest > 0, f"has “{phrase}”, which needs no word at all")
        self._require(
            most <= MOST_WORDS, f"has “{phrase}”, which may run to {most} words, more than {MOST_WORDS}"
        )
        return sequence

    def _require(self, condition: bool, fault: str) -> None:  # noqa: FBT001 - reads as an assertion
        if not condition:
            raise self._fault(fault)

    def _fault(self, fault: str) -> RuleError:
        return RuleError(f"{self._place} {fault}")
