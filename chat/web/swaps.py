"""Parts of the tutor's page, rendered to be put into a page that is open."""

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from chat.models import Conversation, Turn
from chat.web.history import TurnsPage
from chat.web.pages import turn_shown, turns_shown_on_page
from inference.place import runs_at_home


def earlier_turns(request: HttpRequest, conversation: Conversation, turns: TurnsPage) -> str:
    """A page of turns to put above those that are on the page already."""
    context = {
        "conversation": conversation,
        "turns_page": turns,
        "turns": turns_shown_on_page(turns.turns),
        "runs_at_home": runs_at_home(),
    }
    return render_to_string("chat/earlier.html", context, request)


def partial(name: str, request: HttpRequest, **context: Any) -> str:
    """One partial of the tutor's page, by name, for a swap."""
    context.setdefault("runs_at_home", runs_at_home())
    return render_to_string(f"chat/conversation.html#{name}", context, request)


def retry_swaps(request: HttpRequest, earlier: Turn, standing: Turn) -> str:
    """What changes on a page when Retry or Go on was pressed at `earlier`, and `standing` is there for it now."""
    swaps = partial("turn_swap", request, shown=turn_shown(earlier))
    if earlier.replaced_by_id:
        swaps = partial("turn_gone", request, turn=earlier)
    if standing != earlier:
        # It may be on the page already.
        swaps += partial("turn_gone", request, turn=standing)
        swaps += partial("turn_added", request, shown=turn_shown(standing))
    return swaps


def ending_swaps(request: HttpRequest, turn: Turn) -> str:
    """What changes on a page when a turn has ended: of a retry and its earlier turn one stays, where the retry stood.

    That is where its reader looks, and the earlier turn may stand on another page of the conversation.
    """
    earlier = turn.retry_of
    if earlier is None:
        return partial("turn_swap", request, shown=turn_shown(turn))
    stays = earlier if turn.replaced_by_id == earlier.pk else turn
    swap = partial("turn_instead", request, shown=turn_shown(stays), gone=turn)
    return partial("turn_gone", request, turn=earlier) + swap
