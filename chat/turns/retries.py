"""Which of a turn and its retry is shown. A turn is replaced only by a better one (ADR 34)."""

from uuid import UUID

from django.db.models import Q

from chat.models import Ending, State, Turn

# The guard judged the question itself, so no answer to it stays on screen or goes to a model.
VERDICT_STATES = {State.CARDED, State.PAUSED, State.REFUSED, State.REDIRECTED}


def is_better(retry: Turn, earlier: Turn) -> bool:
    """Whether a retry that has ended replaces the failed or stopped turn that it retried.

    A verdict on the question and a whole answer always do. An answer that was held back does only where there were no
    words before. Anything else needs more text than there was.
    """
    if retry.state in VERDICT_STATES:
        return True
    if retry.state == State.WITHHELD:
        return not earlier.answer
    is_whole = retry.state == State.ANSWERED and retry.ending == Ending.NONE
    return (is_whole and bool(retry.answer)) or len(retry.answer) > len(earlier.answer)


def lock_with_retried(turn_id: UUID) -> None:
    """Lock a turn and the one that it retries, before either is written.

    By their ids, as `conversation_delete` does: otherwise the two could wait for each other.
    """
    retried = Turn.objects.filter(pk=turn_id).values("retry_of")
    pair = Turn.objects.filter(Q(pk=turn_id) | Q(pk__in=retried))
    list(pair.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def settle_retry(turn_id: UUID) -> None:
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


def standing_turn(turn: Turn) -> Turn:
    """The turn that now stands for this one's question: its live retry, what replaced it, or itself."""
    turn = Turn.objects.select_related("conversation").filter(pk=turn.pk).first() or turn
    while turn.replaced_by is not None:
        turn = turn.replaced_by
    return turn.retries.filter(replaced_by=None).first() or turn
