"""The page of a conversation: its turns in pages, the form for the next question, and the parts swapped into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Person
from budgets.selectors import Meter, get_meter
from chat.formatting import format_meter, format_outage
from chat.models import LIVE_STATES, MAX_QUESTION_LENGTH, Conversation, Turn
from chat.selectors import Pause, find_pause, list_conversations, list_shown_turns
from chat.turns.outages import find_outage
from chat.web.turns import build_shown_turn, build_shown_turns
from families.gate import TutorGate, get_tutor_gate
from inference.location import get_guard_host, is_self_hosted
from safeguarding.review import is_tutor_open

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


def get_turns_page(conversation: Conversation, place: Mapping[str, str]) -> TurnsPage:
    """The page that `place` asks for: turns around (`at`), before or after the turn whose id it gives, or the newest.

    Raises Turn.DoesNotExist for an id that is not one of this conversation's turns.
    """
    for name, page in (("at", _get_turns_around), ("before", _get_turns_before), ("after", _get_turns_after)):
        if name in place:
            return page(conversation, _get_turn(conversation, place[name]))
    return get_newest_turns(conversation)


def has_place(address: Mapping[str, str]) -> bool:
    """Whether an address asks for another page than the newest turns."""
    return not {"at", "before", "after"}.isdisjoint(address)


def get_newest_turns(conversation: Conversation) -> TurnsPage:
    """The newest turns. One that is live is always among them: Stop and the answer that grows are on this page."""
    newest = list(_list_turns(conversation).order_by(IS_LIVE.desc(), "-asked_at", "-pk")[: TURNS_A_PAGE + 1])
    has_earlier = len(newest) > TURNS_A_PAGE
    shown = sorted(newest[:TURNS_A_PAGE], key=_sort_key)
    if has_earlier and shown[0].is_live:
        # Help cards do not wait for a live turn to end, so more of them than fill a page may follow it.
        live = shown[0]
        shown = list(_list_turns(conversation).filter(_is_from(live)).order_by("asked_at", "pk"))
        has_earlier = _list_turns(conversation).filter(_is_before(live)).exists()
    return TurnsPage(shown, has_earlier=has_earlier)


def get_turn_url(turn: Turn) -> str:
    """Where a turn can be read: the newest page if it is on it, or else the page around it."""
    later = list_shown_turns(turn.conversation).filter(_is_after(turn))
    is_old = later.order_by("asked_at", "pk")[TURNS_A_PAGE - 1 : TURNS_A_PAGE].exists()
    return get_place_url(turn) if is_old else f"{_get_url(turn)}#turn-{turn.pk}"


def get_place_url(turn: Turn) -> str:
    """The page around a turn."""
    return f"{_get_url(turn)}?at={turn.pk}#turn-{turn.pk}"


def _get_url(turn: Turn) -> str:
    return reverse("chat:conversation", args=[turn.conversation_id])


def _get_turns_around(conversation: Conversation, turn: Turn) -> TurnsPage:
    half = TURNS_A_PAGE // 2
    earlier = list(
        _list_turns(conversation).filter(_is_before(turn)).order_by("-asked_at", "-pk")[: half + 1]
    )
    later = list(_list_turns(conversation).filter(_is_from(turn)).order_by("asked_at", "pk")[: half + 1])
    return TurnsPage(
        [*reversed(earlier[:half]), *later[:half]],
        has_earlier=len(earlier) > half,
        has_later=len(later) > half,
    )


def _get_turns_before(conversation: Conversation, turn: Turn) -> TurnsPage:
    rows = list(
        _list_turns(conversation).filter(_is_before(turn)).order_by("-asked_at", "-pk")[: TURNS_A_PAGE + 1]
    )
    return TurnsPage(rows[:TURNS_A_PAGE][::-1], has_earlier=len(rows) > TURNS_A_PAGE, has_later=bool(rows))


def _get_turns_after(conversation: Conversation, turn: Turn) -> TurnsPage:
    rows = list(
        _list_turns(conversation).filter(_is_after(turn)).order_by("asked_at", "pk")[: TURNS_A_PAGE + 1]
    )
    return TurnsPage(rows[:TURNS_A_PAGE], has_earlier=bool(rows), has_later=len(rows) > TURNS_A_PAGE)


def _get_turn(conversation: Conversation, given: str) -> Turn:
    """A turn of the conversation, also one that was tried again: its place is still there."""
    try:
        return conversation.turns.only("asked_at").get(pk=UUID(given))
    except ValueError as fault:
        raise Turn.DoesNotExist from fault


def _list_turns(conversation: Conversation) -> QuerySet[Turn]:
    return list_shown_turns(conversation).select_related("report")


def _sort_key(turn: Turn) -> tuple[object, UUID]:
    return turn.asked_at, turn.pk


def _is_before(turn: Turn) -> Q:
    return Q(asked_at__lte=turn.asked_at) & (Q(asked_at__lt=turn.asked_at) | Q(pk__lt=turn.pk))


def _is_from(turn: Turn) -> Q:
    return _is_after(turn) | Q(pk=turn.pk)


def _is_after(turn: Turn) -> Q:
    return Q(asked_at__gte=turn.asked_at) & (Q(asked_at__gt=turn.asked_at) | Q(pk__gt=turn.pk))


# Beside the tutor; chat.web.views has all of them.
LISTED_CONVERSATIONS = 20


@dataclass(frozen=True)
class Composer:
    """The form for the next question. Its `turn_id` makes posting it twice ask once."""

    person: Person
    conversation: Conversation | None
    live_turn: Turn | None
    pause: Pause | None
    is_open: bool
    gate: TutorGate
    meter: Meter
    # That the model is down, where it has been for minutes.
    outage_text: str
    turn_id: UUID
    question: str = ""
    error: str = ""
    # What is personal in the question and would leave this machine; None where nothing has to be asked.
    parts: Sequence[str] | None = None
    # Whether the question was to wait until the model is back.
    wait_for_model: bool = False

    @property
    def asks_about_personal_data(self) -> bool:
        """Whether its writer has to say what is to be done with what is personal in the question."""
        return self.parts is not None

    @property
    def is_resting(self) -> bool:
        """Whether nothing is answered now. There is still a box to write in: a cry for help is always read."""
        return not self.is_open or self.gate.closed_reason is not None or self.pause is not None

    @property
    def max_question_length(self) -> int:
        return MAX_QUESTION_LENGTH

    @property
    def meter_text(self) -> str:
        return format_meter(self.meter, self.person)

    @property
    def pause_url(self) -> str:
        """Where the turn is that the tutor rests for."""
        return get_turn_url(self.pause.turn) if self.pause else ""


def build_composer(
    person: Person,
    conversation: Conversation | None,
    *,
    live_turn: Turn | None,
    turn_id: UUID | None = None,
    **said: Any,
) -> Composer:
    """The form for the next question. `live_turn` is the one that the same page shows as being answered, if any.

    It is not read here: a turn that ends between two reads would leave a Stop button that nothing takes away.
    """
    return Composer(
        person=person,
        conversation=conversation,
        live_turn=live_turn,
        pause=find_pause(person),
        is_open=is_tutor_open(),
        gate=get_tutor_gate(person),
        meter=get_meter(owner=person),
        outage_text=format_outage(find_outage(), person),
        turn_id=turn_id or uuid4(),
        **said,
    )


def build_conversation_page(
    person: Person, conversation: Conversation | None, turns: TurnsPage | None = None, **said: Any
) -> dict[str, Any]:
    """The page of a conversation, or of a new one, with one read of its turns: `turns`, or the newest of them.

    `said` goes to the composer.
    """
    turns = turns or (get_newest_turns(conversation) if conversation else TurnsPage())
    live_turn = next((turn for turn in turns.turns if turn.is_live), None)
    return {
        "person": person,
        "conversation": conversation,
        "conversations": list_conversations(person)[:LISTED_CONVERSATIONS],
        "turns_page": turns,
        "turns": build_shown_turns(turns.turns),
        "composer": build_composer(person, conversation, live_turn=live_turn, **said),
        "is_self_hosted": is_self_hosted(),
        "guard_host": get_guard_host(),
        "model_name": settings.TUTOR_MODEL,
    }


def render_earlier_turns(request: HttpRequest, conversation: Conversation, turns: TurnsPage) -> str:
    """A page of turns to put above those that are on the page already."""
    context = {
        "conversation": conversation,
        "turns_page": turns,
        "turns": build_shown_turns(turns.turns),
        "is_self_hosted": is_self_hosted(),
    }
    return render_to_string("chat/earlier.html", context, request)


def render_partial(name: str, request: HttpRequest, **context: Any) -> str:
    """One partial of the tutor's page, by name, for a swap."""
    context.setdefault("is_self_hosted", is_self_hosted())
    return render_to_string(f"chat/conversation.html#{name}", context, request)


def render_retry_swaps(request: HttpRequest, earlier: Turn, standing: Turn) -> str:
    """What changes on a page when Retry or Go on was pressed at `earlier`, and `standing` is there for it now."""
    swaps = render_partial("turn_swap", request, shown=build_shown_turn(earlier))
    if earlier.replaced_by_id:
        swaps = render_partial("turn_gone", request, turn=earlier)
    if standing != earlier:
        # It may be on the page already.
        swaps += render_partial("turn_gone", request, turn=standing)
        swaps += render_partial("turn_added", request, shown=build_shown_turn(standing))
    return swaps


def render_end_swaps(request: HttpRequest, turn: Turn) -> str:
    """What changes on a page when a turn has ended: of a retry and its earlier turn one stays, where the retry stood.

    That is where its reader looks, and the earlier turn may stand on another page of the conversation.
    """
    earlier = turn.retry_of
    if earlier is None:
        return render_partial("turn_swap", request, shown=build_shown_turn(turn))
    stays = earlier if turn.replaced_by_id == earlier.pk else turn
    swap = render_partial("turn_instead", request, shown=build_shown_turn(stays), gone=turn)
    return render_partial("turn_gone", request, turn=earlier) + swap
