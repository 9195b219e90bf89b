"""What the next prompt of a conversation would carry, for its owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid4

from accounts.models import Person
from budgets.selectors import get_plan
from chat.models import Conversation, Note, Turn
from chat.prompt import choose_memory
from chat.routes import get_limits, preview_route
from chat.selectors import drop_forgotten, get_earlier_turns, get_notes, has_spanning_memory
from families.gate import get_tutor_gate
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy, choose_smallest_memory


class MemoryLimit(StrEnum):
    """Who has set that nothing is remembered."""

    OWNER = "owner"
    FAMILY = "family"
    PLAN = "plan"


@dataclass(frozen=True, kw_only=True)
class MemoryOverview:
    """What the next prompt would carry of a conversation, and what else is noted. Notes and turns are oldest first."""

    policy: MemoryPolicy
    # Who has set the policy NONE; empty for any other policy.
    limits: Sequence[MemoryLimit]
    # What the family and the plan allow.
    allowed: Sequence[MemoryPolicy]
    # The notes in the prompt, the notes whose turn is carried itself, and those that are left out.
    notes: Sequence[Note]
    waiting: Sequence[Note]
    unused: Sequence[Note]
    turns: Sequence[Turn]
    # Whether the family's agreement lets notes last across conversations, and whether the person has turned it on.
    can_span: bool
    is_spanning: bool

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
    gate, plan, is_spanning = get_tutor_gate(person), get_plan(person), has_spanning_memory(person)
    by = {
        MemoryLimit.OWNER: MemoryPolicy.FULL if conversation.has_memory else MemoryPolicy.NONE,
        MemoryLimit.FAMILY: gate.terms.memory,
        MemoryLimit.PLAN: MemoryPolicy(plan.memory_policy),
    }
    policy = choose_smallest_memory(*by.values())
    upcoming = Turn(
        pk=uuid4(),
        conversation=conversation,
        memory_policy=policy,
        memory_spans=is_spanning and gate.terms.memory_spans,
    )
    past = drop_forgotten(get_earlier_turns([upcoming]).get(upcoming.pk, ()), conversation)
    notes = get_notes([upcoming]).get(upcoming.pk)
    if notes is None:
        notes = list(Note.objects.filter(conversation=conversation))
    usable = notes
    model = preview_route(person, gate).model
    if model and not model.is_local:
        # As in build_turn_prompt: what has to stay here is not sent out as memory either.
        past = [turn for turn in past if not turn.local_only]
        usable = [note for note in notes if not (note.is_from_elsewhere and note.turn.local_only)]
    memory = choose_memory(
        past, usable, policy=policy, tokens=plan.memory_tokens, limits=get_limits(model) if model else None
    )
    carried, window = {note.pk for note in memory.notes}, {turn.pk for turn in memory.turns}
    waiting = [note for note in notes if note.turn_id in window]
    own = [note for note in notes if not note.is_from_elsewhere]
    return MemoryOverview(
        policy=policy,
        limits=[limit for limit, allowed in by.items() if allowed is MemoryPolicy.NONE],
        allowed=[by[MemoryLimit.FAMILY], by[MemoryLimit.PLAN]],
        notes=memory.notes,
        waiting=waiting if policy in NOTING_POLICIES else (),
        unused=[
            note
            for note in own
            if note.pk not in carried and (note.turn_id not in window or policy not in NOTING_POLICIES)
        ],
        turns=memory.turns,
        can_span=gate.terms.memory_spans,
        is_spanning=is_spanning,
    )
