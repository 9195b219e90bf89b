"""Turns that follow on another: a retry, which replaces it only when better, and a continuation (ADR 34)."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from chat.models import RETRYABLE_STATES, EndReason, Turn, TurnState

# The guard judged the question itself, so no answer to it stays on screen or goes to a model.
VERDICT_STATES = {TurnState.CARDED, TurnState.PAUSED, TurnState.REFUSED, TurnState.REDIRECTED}


def is_better(retry: Turn, earlier: Turn) -> bool:
    """Whether a retry that has ended replaces the failed or stopped turn that it retried.

    A verdict on the question and a whole answer always do. An answer that was held back does only where there were no
    words before. Anything else needs more text than there was.
    """
    if retry.state in VERDICT_STATES:
        return True
    if retry.state == TurnState.CUT:
        return not earlier.answer
    is_whole = retry.state == TurnState.ANSWERED and retry.end_reason == EndReason.NONE
    return (is_whole and bool(retry.answer)) or len(retry.answer) > len(earlier.answer)


def lock_with_retried(turn_id: UUID) -> None:
    """Lock a turn and the one that it retries, before either is written.

    By their ids, as `delete_conversation` does: otherwise the two could wait for each other.
    """
    retried = Turn.objects.filter(pk=turn_id).values("retry_of")
    pair = Turn.objects.filter(Q(pk=turn_id) | Q(pk__in=retried))
    list(pair.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def choose_shown_turn(turn_id: UUID) -> None:
    """Decide which of a retry that has just ended and its earlier turn is shown from now on.

    Must run in the transaction that ends the turn. Does nothing for a turn that is no retry.
    """
    retry = Turn.objects.select_related("retry_of").filter(pk=turn_id).first()
    if retry is None or retry.retry_of is None or retry.is_live:
        return
    if is_better(retry, retry.retry_of):
        Turn.objects.filter(pk=retry.retry_of.pk).update(replaced_by=retry)
    else:
        Turn.objects.filter(pk=retry.pk).update(replaced_by=retry.retry_of)


def get_current_turn(turn: Turn) -> Turn:
    """The turn that now stands for this one's question: its live retry, what replaced it, or itself."""
    turn = Turn.objects.select_related("conversation").filter(pk=turn.pk).first() or turn
    while turn.replaced_by is not None:
        turn = turn.replaced_by
    return turn.retries.filter(replaced_by=None).first() or turn


def can_continue(turn: Turn) -> bool:
    """Whether there is an unfinished answer to go on with: stopped, broken off, or cut at its longest length."""
    is_unfinished = turn.state in RETRYABLE_STATES or turn.end_reason == EndReason.LENGTH_LIMIT
    return is_unfinished and bool(turn.answer) and turn.replaced_by_id is None


def find_continuation(turn: Turn) -> Turn | None:
    """The turn that goes on with this one's answer, if there is one already."""
    return turn.continuations.filter(replaced_by=None).order_by("-asked_at").first()


def get_continued_turns(turns: Iterable[Turn]) -> dict[UUID, list[Turn]]:
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


def list_continued_turns(continues: Turn | None) -> list[Turn]:
    """The turns whose answer a new turn goes on with that continues this one, oldest first."""
    return [*get_continued_turns([continues])[continues.pk], continues] if continues else []


def _chain(turn: Turn, found: dict[UUID, Turn]) -> list[Turn]:
    chain: list[Turn] = []
    while turn.continues_id and (earlier := found.get(turn.continues_id)):
        chain.insert(0, earlier)
        turn = earlier
    return chain
