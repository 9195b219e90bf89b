"""Decides what a prompt may carry of earlier questions: for prompts, the memory page, the API and a parent's view."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from budgets.models import Plan
from chat.models import Conversation, Note, Turn
from chat.selectors import drop_forgotten
from families.terms import Terms
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy, choose_smallest_memory
from routing.models import TutorModel


class MemoryLimit(StrEnum):
    """Who limits what is remembered."""

    OWNER = "owner"
    FAMILY = "family"
    PLAN = "plan"


@dataclass(frozen=True, kw_only=True)
class MemoryRules:
    """What a plan, a family's agreement and a conversation's owner let the tutor remember of it.

    Without a conversation they are what plan and agreement allow in any. `wants_spanning_notes` is whether the person
    has turned on notes that last across conversations (chat.selectors.wants_spanning_notes).
    """

    plan: Plan
    terms: Terms
    wants_spanning_notes: bool
    conversation: Conversation | None = None

    @property
    def policy(self) -> MemoryPolicy:
        return choose_smallest_memory(*self._by.values())

    @property
    def tokens(self) -> int:
        return self.plan.memory_tokens

    @property
    def limits(self) -> list[MemoryLimit]:
        """Who has set the policy NONE; empty for any other policy."""
        return [limit for limit, policy in self._by.items() if policy is MemoryPolicy.NONE]

    @property
    def _by(self) -> dict[MemoryLimit, MemoryPolicy]:
        is_off = self.conversation is not None and not self.conversation.has_memory
        return {
            MemoryLimit.OWNER: MemoryPolicy.NONE if is_off else MemoryPolicy.FULL,
            MemoryLimit.FAMILY: self.terms.memory,
            MemoryLimit.PLAN: MemoryPolicy(self.plan.memory_policy),
        }

    @property
    def has_spanning_notes(self) -> bool:
        """Whether the prompt carries notes of other conversations."""
        return (
            self.policy in NOTING_POLICIES and self.terms.allows_spanning_notes and self.wants_spanning_notes
        )


def list_sendable(
    earlier_turns: Iterable[Turn],
    notes: Sequence[Note],
    *,
    conversation: Conversation | None,
    model: TutorModel | None,
) -> tuple[list[Turn], list[Note]]:
    """Return the earlier turns and the notes that may be sent to `model` as memory.

    What was forgotten is not, and what was asked as a question that stays here is not sent outside later either.
    """
    kept = drop_forgotten(earlier_turns, conversation)
    if model is None or model.is_local:
        return kept, list(notes)
    return (
        [turn for turn in kept if not turn.local_only],
        # Notes of the conversation itself go with their turns.
        [note for note in notes if not (note.is_from_other_conversation and note.turn.local_only)],
    )
