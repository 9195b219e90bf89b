"""Going on with an answer that broke off: a new turn whose prompt carries the unfinished answer (ADR 34)."""

from collections.abc import Iterable
from uuid import UUID

from chat.models import RETRIED_STATES, Ending, Turn


def can_continue(turn: Turn) -> bool:
    """Whether there is an unfinished answer to go on with: stopped, broken off, or cut at its longest length."""
    is_unfinished = turn.state in RETRIED_STATES or turn.ending == Ending.LIMIT
    return is_unfinished and bool(turn.answer) and turn.replaced_by_id is None


def continuation_of(turn: Turn) -> Turn | None:
    """The turn that goes on with this one's answer, if there is one already."""
    return turn.continuations.filter(replaced_by=None).order_by("-asked_at").first()


def continued_by(turns: Iterable[Turn]) -> dict[UUID, list[Turn]]:
    """The turns whose answer each of these goes on with, oldest first, by the turn's id.

    An answer may be continued more than once, so there may be several. They do not depend on the family's agreement or
    the plan: without them there is nothing to go on with.
    """
    turns = list(turns)
    found: dict[UUID, Turn] = {}
    wanted = {turn.continues_id for turn in turns if turn.continues_id}
    while wanted:
        found |= Turn.objects.in_bulk(wanted)
        wanted = {turn.continues_id for turn in found.values() if turn.continues_id} - found.keys()
    return {turn.pk: _chain(turn, found) for turn in turns}


def _chain(turn: Turn, found: dict[UUID, Turn]) -> list[Turn]:
    chain: list[Turn] = []
    while turn.continues_id and (earlier := found.get(turn.continues_id)):
        chain.insert(0, earlier)
        turn = earlier
    return chain
