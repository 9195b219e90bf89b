"""Turns that follow another one: a retry, which replaces it only if it is better, and a continuation (ADR 34)."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from chat.models import RETRYABLE_STATES, EndReason, Note, Turn, TurnState

# The guard has judged the question itself in these states, so no answer to it may stay on screen or go to a model.
VERDICT_STATES = {TurnState.CARDED, TurnState.PAUSED, TurnState.REFUSED, TurnState.REDIRECTED}


def is_better(retry: Turn, earlier: Turn) -> bool:
    """Return whether an ended retry replaces the failed or stopped turn that it retried.

    A fixed text and a whole answer always do. A cut answer does only if the earlier turn has no answer. Anything else
    must be longer than the earlier answer.
    """
    if retry.state in VERDICT_STATES:
        return True
    if retry.state == TurnState.CUT:
        return not earlier.answer
    is_whole = retry.state == TurnState.ANSWERED and retry.end_reason == EndReason.NONE
    return (is_whole and bool(retry.answer)) or len(retry.answer) > len(earlier.answer)


def lock_with_retried(turn_id: UUID) -> None:
    """Lock a turn and the turn that it retries, before either is written.

    Locks in the order of ids, as `delete_conversation` does, to avoid a deadlock.
    """
    retried = Turn.objects.filter(pk=turn_id).values("retry_of")
    pair = Turn.objects.filter(Q(pk=turn_id) | Q(pk__in=retried))
    list(pair.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def choose_shown_turn(turn_id: UUID) -> None:
    """Decide whether an ended retry or the turn that it retried is shown from now on.

    Must run in the transaction that ends the retry. Does nothing for a turn that is not a retry.
    """
    retry = Turn.objects.select_related("retry_of").filter(pk=turn_id).first()
    if retry is None or retry.retry_of is None or retry.is_live:
        return
    shown, hidden = retry, retry.retry_of
    if not is_better(retry, retry.retry_of):
        shown, hidden = hidden, shown
    Turn.objects.filter(pk=hidden.pk).update(replaced_by=shown)
    _keep_notes_once(earlier=retry.retry_of, retry=retry, shown=shown)


def _keep_notes_once(*, earlier: Turn, retry: Turn, shown: Turn) -> None:
    """Leave a question's notes with the turn that is shown: the earlier ones, which their writer may have edited.

    A turn without an answer has none: what a fixed text answers is never remembered.
    """
    notes = Note.objects.filter(turn__in=[earlier, retry])
    if not shown.answer:
        notes.delete()
        return
    if notes.filter(turn=earlier).exists():
        notes.filter(turn=retry).delete()
    notes.update(turn=shown)


def get_current_turn(turn: Turn) -> Turn:
    """Return the current turn for this turn's question: its live retry, the turn that replaced it, or itself."""
    turn = Turn.objects.select_related("conversation").filter(pk=turn.pk).first() or turn
    while turn.replaced_by is not None:
        turn = turn.replaced_by
    return turn.retries.filter(replaced_by=None).first() or turn


def can_continue(turn: Turn) -> bool:
    """Return whether the turn has an unfinished answer: stopped, broken off, or ended at its length limit."""
    is_unfinished = turn.state in RETRYABLE_STATES or turn.end_reason == EndReason.LENGTH_LIMIT
    return is_unfinished and bool(turn.answer) and turn.replaced_by_id is None


def find_continuation(turn: Turn) -> Turn | None:
    """Return the turn that continues this turn's answer, or None."""
    return turn.continuations.filter(replaced_by=None).order_by("-asked_at").first()


def get_continued_turns(turns: Iterable[Turn]) -> dict[UUID, list[Turn]]:
    """Return the turns that each of these turns continues, oldest first, by turn id.

    An answer may be continued more than once, so there may be several. Memory limits of the plan and
    the agreement do not apply: without these turns there is nothing to continue.
    """
    turns = list(turns)
    loaded: dict[UUID, Turn] = {}
    wanted = {turn.continues_id for turn in turns if turn.continues_id}
    while wanted:
        loaded |= Turn.objects.in_bulk(wanted)
        wanted = {turn.continues_id for turn in loaded.values() if turn.continues_id} - loaded.keys()
    return {turn.pk: _build_chain(turn, loaded) for turn in turns}


def list_continued_turns(continues: Turn | None) -> list[Turn]:
    """Return the turns that a new turn continues if it continues `continues`, oldest first."""
    return [*get_continued_turns([continues])[continues.pk], continues] if continues else []


def _build_chain(turn: Turn, loaded: dict[UUID, Turn]) -> list[Turn]:
    chain: list[Turn] = []
    while turn.continues_id and (earlier := loaded.get(turn.continues_id)):
        chain.insert(0, earlier)
        turn = earlier
    return chain
