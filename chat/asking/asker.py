"""What is known of the asker of a question when it is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, Subquery
from django.utils import timezone

from accounts.models import Person
from budgets.models import Plan
from budgets.selectors import build_plan_column, find_plan
from chat.models import MemoryChoice, Turn
from chat.selectors import Pause, find_pause, list_pausing_turns
from families.gate import TutorGate, build_gate_columns, read_tutor_gate

REMINDER_INTERVAL = timedelta(minutes=60)
# So long between two questions counts as a break.
MIN_BREAK = timedelta(minutes=15)


class BreakReminder(NamedTuple):
    """When a person began to ask without a break, and whether a reminder is due."""

    asking_since: datetime
    shows_break_reminder: bool


@dataclass(frozen=True, kw_only=True)
class Asker:
    """A person who asks a question, at the time `now`."""

    person: Person
    now: datetime
    gate: TutorGate
    plan: Plan
    wants_spanning_notes: bool
    # When they began to ask without a break, in any of their conversations; None after a break.
    asking_since: datetime | None
    # Whether a turn with the id of the question exists already.
    has_turn: bool
    may_be_paused: bool

    def find_pause(self) -> Pause | None:
        """Return the pause that holds for them, or None."""
        return find_pause(self.person) if self.may_be_paused else None

    def get_break_reminder(self, *, is_postponed: bool = False) -> BreakReminder:
        """Return the break reminder for the question.

        With `is_postponed` no reminder is due yet: a card or a fixed text comes first.
        """
        if self.asking_since is None:
            return BreakReminder(self.now, shows_break_reminder=False)
        is_due = not is_postponed and self.now - self.asking_since >= REMINDER_INTERVAL
        return BreakReminder(self.now if is_due else self.asking_since, shows_break_reminder=is_due)


def read_asker(person: Person, *, turn_id: UUID) -> Asker:
    """Read what decides about a question with this turn id, in one query. Raises Person.DoesNotExist."""
    now = timezone.now()
    latest = Turn.objects.filter(conversation__owner=person, asked_at__gt=now - MIN_BREAK)
    columns: dict[str, Any] = {
        "plan": build_plan_column(),
        "wants_spanning_notes": Exists(MemoryChoice.objects.filter(owner=person)),
        "asking_since": Subquery(latest.order_by("-asked_at").values("asking_since")[:1]),
        "has_turn": Exists(Turn.objects.filter(pk=turn_id)),
        "may_be_paused": Exists(list_pausing_turns(person)),
    }
    rows: Any = Person.objects.values(**columns, **build_gate_columns(person, now))
    row = rows.get(pk=person.pk)
    return Asker(
        person=person,
        now=now,
        gate=read_tutor_gate(person, row, now),
        plan=find_plan(row["plan"]),
        wants_spanning_notes=row["wants_spanning_notes"],
        asking_since=row["asking_since"],
        has_turn=row["has_turn"],
        may_be_paused=row["may_be_paused"],
    )
