"""Finds the rules that match a sequence of words."""

from copy import copy
from dataclasses import dataclass

from guard.automaton import Automaton, PhraseRole
from guard.words import Word


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule's number, and the range of words (`start` to `end`) that it matches."""

    rule: int
    start: int
    end: int


class RuleScanner:
    """Reads words one by one and finds the rules that match.

    A match counts unless an exception of its rule overlaps it. A match is held while such an exception has begun and
    could still be completed. Exceptions do not extend across the end of a sentence.
    """

    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton
        self._state = automaton.start
        self._read = 0
        self._sentence = 0
        self._waiting: list[RuleMatch] = []
        self._excluded_until: dict[int, int] = {}

    def fork(self) -> "RuleScanner":
        """Return a scanner that has read the same words."""
        other = copy(self)
        other._waiting, other._excluded_until = self._waiting.copy(), self._excluded_until.copy()  # noqa: SLF001
        return other

    def is_like(self, other: "RuleScanner") -> bool:
        """Return whether both find the same in what follows, even if they have read different words. May miss it."""
        # Where a sentence or an exception was matters only to phrases that had begun by then.
        return (
            self._state is other._state  # noqa: SLF001 - of the same class
            and not (self._waiting or other._waiting or self._state.open_exceptions)  # noqa: SLF001
            and not (self._state.age and (self._excluded_until or other._excluded_until))  # noqa: SLF001
        )

    @property
    def words_held(self) -> int:
        """The number of last words that could still be part of a match."""
        oldest_match = max((self._read - match.start for match in self._waiting), default=0)
        return max(self._state.age, oldest_match)

    def read(self, word: Word) -> list[RuleMatch]:
        """Read one word. Returns the matches that are certain now."""
        state = self._state
        if word.begins_sentence:
            self._sentence = self._read
        sign = ~word.symbol if word.begins_sentence else word.symbol
        self._state = state = state.steps.get(sign) or self._automaton.step(state, sign)
        self._read += 1
        if state.ends:
            self._end_phrases(state.ends)
        if not self._waiting:
            return []
        certain = [match for match in self._waiting if not self._may_be_excluded(match)]
        if certain:
            self._waiting = [match for match in self._waiting if match not in certain]
        return certain

    def finish(self) -> list[RuleMatch]:
        """Return the matches that were still held."""
        certain, self._waiting = self._waiting, []
        return certain

    def _end_phrases(self, ends: tuple[tuple[PhraseRole, int], ...]) -> None:
        for role, age in ends:
            start = self._read - age
            if role.is_exception and start >= self._sentence:
                self._excluded_until[role.rule] = self._read
                self._waiting = [
                    match for match in self._waiting if match.rule != role.rule or match.end <= start
                ]
        for role, age in ends:
            start = self._read - age
            if not role.is_exception and self._excluded_until.get(role.rule, 0) <= start:
                self._waiting.append(RuleMatch(role.rule, start, self._read))

    def _may_be_excluded(self, match: RuleMatch) -> bool:
        return any(
            role.rule == match.rule and self._sentence <= self._read - age < match.end
            for role, age in self._state.open_exceptions
        )
