"""Rules in plain language, from files that a clinician can read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from guard import patterns
from guard.automaton import Automaton, PhraseRole
from guard.verdict import Category, Level
from guard.vocabulary import Vocabulary
from kit.authored import FileErrors

MAX_PHRASE_WORDS = 40
"""No phrase may match more words. At most this much of a stream is held back."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. It must catch its `examples`; no rule of its book may catch its `not_examples`. The tests try all."""

    id: str
    level: Level
    categories: frozenset[Category]
    examples: tuple[str, ...]
    not_examples: tuple[str, ...]


class RuleBook:
    """The rules of some files, ready to be followed through a text.

    Raises kit.authored.InvalidFile with every error of every file.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        from guard.rule_files import RuleFile  # noqa: PLC0415 - it imports pydantic

        errors = FileErrors()
        files = [file for path in paths if (file := errors.collect(partial(RuleFile, path), None))]
        ids = set[str]()
        for file in files:
            for number, rule in enumerate(file.rules):
                if rule.id in ids:
                    what = f"Two rules are called “{rule.id}”."
                    errors.collected.append(file.build_error(number, what, "Rename one of them."))
                ids.add(rule.id)
        errors.raise_any()
        self.rules: Sequence[Rule] = [rule for file in files for rule in file.rules]
        phrases, first = list[tuple[PhraseRole, patterns.Sequence]](), 0
        for file in files:
            phrases += [(role._replace(rule=first + role.rule), sequence) for role, sequence in file.phrases]
            first += len(file.rules)
        spellings = {word: others for file in files for word, others in file.spellings.items()}
        words = (word for _, sequence in phrases for word in patterns.list_words(sequence) if word != "#")
        self.vocabulary = Vocabulary(words, spellings)
        self.automaton = Automaton(self.vocabulary, phrases)
