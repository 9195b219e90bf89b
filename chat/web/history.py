"""A long conversation in pages: the newest turns, or those around, before or after one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.urls import reverse

from chat.models import LIVE_STATES, Conversation, Turn
from chat.selectors import turns_shown

TURNS_A_PAGE = 50
IS_LIVE = ExpressionWrapper(Q(state__in=LIVE_STATES), output_field=BooleanField())


@dataclass(frozen=True)
class TurnsPage:
    """Some turns of a conversation, oldest first, and whether it has others before and after them."""

    turns: Sequence[Turn] = ()
    has_earlier: bool = False
    has_later: bool = False

    @property
    def first(self) -> Turn:
        return self.turns[0]

    @property
    def last(self) -> Turn:
        return self.turns[-1]


def turns_page(conversation: Conversation, place: Mapping[str, str]) -> TurnsPage:
    """The page that `place` asks for: turns around (`at`), before or after the turn whose id it gives, or the newest.

    Raises Turn.DoesNotExist for an id that is not one of this conversation's turns.
    """
    for name, page in (("at", _turns_around), ("before", _turns_before), ("after", _turns_after)):
        if name in place:
            return page(conversation, _turn_in(conversation, place[name]))
    return newest_turns(conversation)


def is_place(address: Mapping[str, str]) -> bool:
    """Whether an address asks for another page than the newest turns."""
    return not {"at", "before", "after"}.isdisjoint(address)


def newest_turns(conversation: Conversation) -> TurnsPage:
    """The newest turns. One that is live is always among them: Stop and the answer that grows are on this page."""
    newest = list(_turns(conversation).order_by(IS_LIVE.desc(), "-asked_at", "-pk")[: TURNS_A_PAGE + 1])
    has_earlier = len(newest) > TURNS_A_PAGE
    shown = sorted(newest[:TURNS_A_PAGE], key=_place)
    if has_earlier and shown[0].is_live:
        # Help cards do not wait for a live turn to end, so more of them than fill a page may follow it.
        live = shown[0]
        shown = list(_turns(conversation).filter(_from(live)).order_by("asked_at", "pk"))
        has_earlier = _turns(conversation).filter(_before(live)).exists()
    return TurnsPage(shown, has_earlier=has_earlier)


def turn_address(turn: Turn) -> str:
    """Where a turn can be read: the newest page if it is on it, or else the page around it."""
    later = turns_shown(turn.conversation).filter(_after(turn))
    is_old = later.order_by("asked_at", "pk")[TURNS_A_PAGE - 1 : TURNS_A_PAGE].exists()
    return place_address(turn) if is_old else f"{_address(turn)}#turn-{turn.pk}"


def place_address(turn: Turn) -> str:
    """The page around a turn."""
    return f"{_address(turn)}?at={turn.pk}#turn-{turn.pk}"


def _address(turn: Turn) -> str:
    return reverse("chat:conversation", args=[turn.conversation_id])


def _turns_around(conversation: Conversation, turn: Turn) -> TurnsPage:
    half = TURNS_A_PAGE // 2
    earlier = list(_turns(conversation).filter(_before(turn)).order_by("-asked_at", "-pk")[: half + 1])
    later = list(_turns(conversation).filter(_from(turn)).order_by("asked_at", "pk")[: half + 1])
    return TurnsPage(
        [*reversed(earlier[:half]), *later[:half]],
        has_earlier=len(earlier) > half,
        has_later=len(later) > half,
    )


def _turns_before(conversation: Conversation, turn: Turn) -> TurnsPage:
    rows = list(_turns(conversation).filter(_before(turn)).order_by("-asked_at", "-pk")[: TURNS_A_PAGE + 1])
    return TurnsPage(rows[:TURNS_A_PAGE][::-1], has_earlier=len(rows) > TURNS_A_PAGE, has_later=bool(rows))


def _turns_after(conversation: Conversation, turn: Turn) -> TurnsPage:
    rows = list(_turns(conversation).filter(_after(turn)).order_by("asked_at", "pk")[: TURNS_A_PAGE + 1])
    return TurnsPage(rows[:TURNS_A_PAGE], has_earlier=bool(rows), has_later=len(rows) > TURNS_A_PAGE)


def _turn_in(conversation: Conversation, given: str) -> Turn:
    """A turn of the conversation, also one that was tried again: its place is still there."""
    try:
        return conversation.turns.only("asked_at").get(pk=UUID(given))
    except ValueError as fault:
        raise Turn.DoesNotExist from fault


def _turns(conversation: Conversation) -> QuerySet[Turn]:
    return turns_shown(conversation).select_related("report")


def _place(turn: Turn) -> tuple[object, UUID]:
    return turn.asked_at, turn.pk


def _before(turn: Turn) -> Q:
    return Q(asked_at__lte=turn.asked_at) & (Q(asked_at__lt=turn.asked_at) | Q(pk__lt=turn.pk))


def _from(turn: Turn) -> Q:
    return _after(turn) | Q(pk=turn.pk)


def _after(turn: Turn) -> Q:
    return Q(asked_at__gte=turn.asked_at) & (Q(asked_at__gt=turn.asked_at) | Q(pk__gt=turn.pk))
