"""What the next prompt of a conversation would carry, for its owner."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from accounts.models import Person
from budgets.selectors import get_plan
from chat.memory.policies import MemoryLimit, MemoryRules, list_sendable
from chat.model_choice import get_limits, preview_route, set_memory_fields
from chat.models import Conversation, Note, Turn
from chat.prompt import choose_memory
from chat.selectors import get_earlier_turns, get_notes, wants_spanning_notes
from families.gate import get_tutor_gate
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy


@dataclass(frozen=True, kw_only=True)
class MemoryOverview:
    """What the next prompt would carry of a conversation, and what else is noted. Notes and turns are oldest first."""

    policy: MemoryPolicy
    # Who has set the policy NONE; empty for any other policy.
    limits: Sequence[MemoryLimit]
    # The most that the family and the plan allow.
    allowed: MemoryPolicy
    # The notes in the prompt, the notes whose turn is carried itself, and those that are left out.
    notes: Sequence[Note]
    waiting: Sequence[Note]
    unused: Sequence[Note]
    turns: Sequence[Turn]
    # Whether the family's agreement lets notes last across conversations, and whether the person has turned it on.
    allows_spanning_notes: bool
    wants_spanning_notes: bool

    @property
    def has_memory(self) -> bool:
        """Whether the owner lets the tutor remember the conversation."""
        return MemoryLimit.OWNER not in self.limits

    @property
    def turn_ids(self) -> list[UUID]:
        return [turn.pk for turn in self.turns]

    @property
    def takes_notes(self) -> bool:
        return self.policy in NOTING_POLICIES


def build_memory_overview(person: Person, conversation: Conversation) -> MemoryOverview:
    """Return what the next prompt of the person's own conversation would carry. Reads in a fixed number of queries."""
    gate, plan = get_tutor_gate(person), get_plan(person)
    rules = MemoryRules(
        plan=plan,
        terms=gate.terms,
        wants_spanning_notes=wants_spanning_notes(person),
        conversation=conversation,
    )
    upcoming = Turn(pk=uuid4(), conversation=conversation)
    set_memory_fields(upcoming, rules)
    notes = get_notes([upcoming]).get(upcoming.pk)
    if notes is None:
        notes = list(Note.objects.filter(conversation=conversation))
    model = preview_route(person, gate).model
    earlier = get_earlier_turns([upcoming]).get(upcoming.pk, ())
    remembered, usable = list_sendable(earlier, notes, conversation=conversation, model=model)
    memory = choose_memory(
        remembered,
        usable,
        policy=rules.policy,
        tokens=rules.tokens,
        limits=get_limits(model) if model else None,
    )
    carried, window = {note.pk for note in memory.notes}, {turn.pk for turn in memory.turns}
    waiting = [note for note in notes if note.turn_id in window]
    own = [note for note in notes if not note.is_from_other_conversation]
    takes_notes = rules.policy in NOTING_POLICIES
    return MemoryOverview(
        policy=rules.policy,
        limits=rules.limits,
        allowed=replace(rules, conversation=None).policy,
        notes=memory.notes,
        waiting=waiting if takes_notes else (),
        unused=[
            note for note in own if note.pk not in carried and not (takes_notes and note.turn_id in window)
        ],
        turns=memory.turns,
        allows_spanning_notes=gate.terms.allows_spanning_notes,
        wants_spanning_notes=rules.wants_spanning_notes,
    )


def build_spanning_overview(person: Person) -> MemoryOverview:
    """Return what the first prompt of the person's next conversation would carry: notes of earlier ones at most."""
    return build_memory_overview(person, Conversation(owner=person))
