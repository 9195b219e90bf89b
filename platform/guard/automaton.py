"""An automaton that matches the phrases of all rules at once, one word at a time.

Every node stores its distance from the phrase's first word. So a match knows where it began, and a stream knows how far
back a match could still begin.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from guard.patterns import Gap, Literal, OneOf, Sequence
from guard.vocabulary import Vocabulary

_MAX_CACHED_STATES = 4096


class PhraseRole(NamedTuple):
    """What a phrase does: match the rule with this number, or prevent its match."""

    rule: int
    is_exception: bool


@dataclass(eq=False, slots=True)
class _Node:
    age: int
    role: PhraseRole
    edges: "dict[int, list[_Node]]" = field(default_factory=dict)
    any_word: "list[_Node]" = field(default_factory=list)
    is_end: bool = False


@dataclass(eq=False, slots=True)
class AutomatonState:
    """All phrases that the words read so far could be part of.

    `ends` are the phrases that the last word completes, with their lengths in words. `age` is the number of words read
    of the longest unfinished phrase; `open_exceptions` are the unfinished exceptions.
    """

    nodes: tuple[_Node, ...]
    ends: tuple[tuple[PhraseRole, int], ...]
    open_exceptions: tuple[tuple[PhraseRole, int], ...]
    age: int
    steps: "dict[int, AutomatonState]" = field(default_factory=dict)


class Automaton:
    """Built once from phrases. Steps are cached, so a repeated step is one lookup."""

    def __init__(self, vocabulary: Vocabulary, phrases: Iterable[tuple[PhraseRole, Sequence]]) -> None:
        self._vocabulary = vocabulary
        self._first: dict[int, list[_Node]] = {}
        for role, sequence in phrases:
            root = _Node(0, role)
            for node in self._grow(sequence, {root}, {}):
                node.is_end = True
            for symbol, nodes in root.edges.items():
                self._first.setdefault(symbol, []).extend(nodes)
        self._states: dict[frozenset[_Node], AutomatonState] = {}
        self.start = self._get_state(frozenset())

    def step(self, state: AutomatonState, sign: int) -> AutomatonState:
        """Return the state after one more word. `sign` is its symbol, or ~symbol if it begins a sentence.

        Gaps do not extend across the end of a sentence.
        """
        symbol, is_first = (~sign, True) if sign < 0 else (sign, False)
        if len(self._states) > _MAX_CACHED_STATES:
            self._states.clear()
            self.start.steps.clear()
        reached = set(self._first.get(symbol, ()))
        for node in state.nodes:
            reached.update(node.edges.get(symbol, ()))
            if not is_first:
                reached.update(node.any_word)
        after = state.steps[sign] = self._get_state(frozenset(reached))
        return after

    def _get_state(self, nodes: frozenset[_Node]) -> AutomatonState:
        known = self._states.get(nodes)
        if known is None:
            going = tuple(node for node in nodes if node.edges or node.any_word)
            known = self._states[nodes] = AutomatonState(
                nodes=going,
                ends=tuple({(node.role, node.age) for node in nodes if node.is_end}),
                open_exceptions=tuple({(node.role, node.age) for node in going if node.role.is_exception}),
                age=max((node.age for node in going if not node.role.is_exception), default=0),
            )
        return known

    def _grow(self, sequence: Sequence, nodes: set[_Node], ends: dict[int, _Node]) -> set[_Node]:
        """Append a sequence to `nodes`. Returns its end nodes, reusing those in `ends`."""
        for number, item in enumerate(sequence, 1):
            own_ends = ends if number == len(sequence) else {}
            if isinstance(item, Literal):
                nodes = self._grow_words([item], nodes, own_ends)
            elif isinstance(item, Gap):
                nodes = self._grow_gap(item.most, nodes)
            else:
                nodes = self._grow_choice(item, nodes, own_ends)
        return nodes

    def _grow_choice(self, choice: OneOf, nodes: set[_Node], ends: dict[int, _Node]) -> set[_Node]:
        """Append a choice. Its options share end nodes, or a chain of choices would grow exponentially."""
        words, longer = list[Literal](), list[Sequence]()
        for option in choice.options:
            if len(option) == 1 and isinstance(option[0], Literal):
                words.append(option[0])
            else:
                longer.append(option)
        reached = self._grow_words(words, nodes, ends) if words else set[_Node]()
        return reached.union(*(self._grow(option, nodes, ends) for option in longer))

    def _grow_words(self, words: Iterable[Literal], nodes: set[_Node], ends: dict[int, _Node]) -> set[_Node]:
        symbols = [self._vocabulary.symbol(literal.word) for literal in words]
        reached = set[_Node]()
        for node in nodes:
            after = _get_next_node(node, ends)
            reached.add(after)
            # Not factored out for speed: about 300,000 edges are built at start.
            edges = node.edges
            for symbol in symbols:
                known = edges.get(symbol)
                if known is None:
                    edges[symbol] = [after]
                elif after not in known:
                    known.append(after)
        return reached

    def _grow_gap(self, most: int, nodes: set[_Node]) -> set[_Node]:
        reached, last = set(nodes), nodes
        for _ in range(most):
            grown: dict[int, _Node] = {}
            for node in last:
                node.any_word.append(_get_next_node(node, grown))
            last = set(grown.values())
            reached |= last
        return reached


def _get_next_node(node: _Node, ends: dict[int, _Node]) -> _Node:
    """Return the node one word after `node`, from `ends` if it exists there."""
    age = node.age + 1
    if age not in ends:
        ends[age] = _Node(age, node.role)
    return ends[age]
