"""The schema and the parser of a file of rules. Import it in functions (kit.schemas imports pydantic)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from guard import patterns
from guard.automaton import PhraseRole
from guard.patterns import PatternError
from guard.rules import MAX_PHRASE_WORDS, Rule
from guard.verdict import Category, Level
from kit.authored import FileError, InvalidFile, Location, TomlText, read_toml
from kit.schemas import Hint, Items, OptionalItems, Table, Texts, build_schema_error, validate

_LEVELS = {
    0: Level.NONE,
    1: Level.STRESS,
    2: Level.HINTS,
    3: Level.STATED,
    4: Level.ACUTE,
    "S": Level.UNSAFE_HOME,
}
_PATTERN_HINT = "docs/safety.md shows how phrases are written."


def _require_category(name: str) -> str:
    if name not in Category:
        raise build_schema_error(f"There is no category “{name}”.", f"Use one of: {', '.join(Category)}.")
    return name


class RuleTable(Table):
    id: str
    level: Annotated[Literal[0, 1, 2, 3, 4, "S"], Hint('Use one of: 0, 1, 2, 3, 4, "S".')]
    categories: Annotated[tuple[Annotated[str, AfterValidator(_require_category)], ...], OptionalItems]
    phrases: Texts
    unless: Annotated[tuple[str, ...], OptionalItems] = ()
    examples: Annotated[Texts, Hint("Give a message that it must catch.")]
    not_examples: Annotated[tuple[str, ...], OptionalItems, Field(alias="not")] = ()


class RulesTable(Table):
    """A file of rules."""

    spellings: dict[str, Texts] = {}
    sets: dict[str, str] = {}
    rules: Annotated[tuple[RuleTable, ...], Items]


class RuleFile:
    """A parsed file of rules. Raises InvalidFile with every error in it."""

    def __init__(self, path: Path) -> None:
        self._source: TomlText = read_toml(path)
        table = validate(RulesTable, self._source)
        self._errors: list[FileError] = []
        self.spellings = {
            patterns.normalize_word(word): [patterns.normalize_word(other) for other in others]
            for word, others in table.spellings.items()
        }
        self._sets: dict[str, patterns.Sequence] = {}
        # Replace a set that has an error with its name, so that phrases which use it do not report the error again.
        for name, phrase in table.sets.items():
            self._sets[name] = self._parse(phrase, ("sets", name)) or (patterns.Literal(name),)
        self.rules: list[Rule] = []
        self.phrases: list[tuple[PhraseRole, patterns.Sequence]] = []
        for number, rule in enumerate(table.rules):
            self._add_rule(number, rule)
        if self._errors:
            raise InvalidFile(*self._errors)

    def build_error(self, number: int, what: str, hint: str) -> FileError:
        """Build an error at the id of the rule with this index."""
        return self._source.build_error(("rules", number, "id"), what, hint)

    def _add_rule(self, number: int, rule: RuleTable) -> None:
        matches, exception = PhraseRole(number, is_exception=False), PhraseRole(number, is_exception=True)
        self.phrases += [
            (matches, sequence) for sequence in self._parse_all(rule.phrases, ("rules", number, "phrases"))
        ]
        self.phrases += [
            (exception, sequence)
            for sequence in self._parse_all(rule.unless, ("rules", number, "unless"), may_end_with_gap=True)
        ]
        self.rules.append(
            Rule(
                id=rule.id,
                level=_LEVELS[rule.level],
                categories=frozenset(map(Category, rule.categories)),
                examples=rule.examples,
                not_examples=rule.not_examples,
            )
        )

    def _parse_all(
        self, phrases: tuple[str, ...], location: Location, *, may_end_with_gap: bool = False
    ) -> Iterator[patterns.Sequence]:
        for position, phrase in enumerate(phrases):
            sequence = self._parse(phrase, (*location, position))
            if sequence is None:
                continue
            if isinstance(sequence[0], patterns.Gap):
                self._add_error((*location, position), f"“{phrase}” begins with a gap.")
            if isinstance(sequence[-1], patterns.Gap) and not may_end_with_gap:
                self._add_error((*location, position), f"“{phrase}” ends with a gap.")
            yield sequence

    def _parse(self, phrase: str, location: Location) -> patterns.Sequence | None:
        """Return the parsed phrase. If it has an error, add the error and return None."""
        try:
            sequence = patterns.parse_phrase(phrase, self._sets)
        except PatternError as error:
            self._add_error(location, f"{error}.")
            return None
        fewest, most = patterns.count_words(sequence)
        if fewest == 0:
            self._add_error(location, f"“{phrase}” needs no word at all.")
            return None
        if most > MAX_PHRASE_WORDS:
            self._add_error(location, f"“{phrase}” may run to {most} words, more than {MAX_PHRASE_WORDS}.")
        return sequence

    def _add_error(self, location: Location, what: str) -> None:
        self._errors.append(self._source.build_error(location, what, _PATTERN_HINT))
