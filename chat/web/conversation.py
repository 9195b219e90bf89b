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
from budgets.selectors import Meter, meter
from chat.models import LIVE_STATES, LONGEST_QUESTION, Conversation, Turn
from chat.replies import meter_said, outage_words
from chat.selectors import Pause, conversations_of, pause_of, turns_shown
from chat.turns.outages import model_outage
from chat.web.pages import turn_shown, turns_shown_on_page
from families.gate import Gate, gate_of
from inference.place import guard_host, runs_at_home
from safeguarding.review import chat_is_open

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


# Beside the tutor; chat.web.history_views has all of them.
CONVERSATIONS_LISTED = 20


@dataclass(frozen=True)
class Composer:
    """The form for the next question. Its `turn_id` makes posting it twice ask once."""

    person: Person
    conversation: Conversation | None
    live_turn: Turn | None
    pause: Pause | None
    is_open: bool
    gate: Gate
    meter: Meter
    # That the model is down, where it has been for minutes.
    outage_words: str
    turn_id: UUID
    question: str = ""
    error: str = ""
    # What is personal in the question and would leave this machine; None where nothing has to be asked.
    parts: Sequence[str] | None = None
    # Whether the question was to wait until the model is back.
    when_back: bool = False

    @property
    def asks_first(self) -> bool:
        """Whether its writer has to say what is to be done with what is personal in the question."""
        return self.parts is not None

    @property
    def is_resting(self) -> bool:
        """Whether nothing is answered now. There is still a box to write in: a cry for help is always read."""
        return not self.is_open or self.gate.closed is not None or self.pause is not None

    @property
    def longest_question(self) -> int:
        return LONGEST_QUESTION

    @property
    def meter_words(self) -> str:
        return meter_said(self.meter, self.person)

    @property
    def pause_address(self) -> str:
        """Where the turn is that the tutor rests for."""
        return turn_address(self.pause.turn) if self.pause else ""


def composer_for(
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
        pause=pause_of(person),
        is_open=chat_is_open(),
        gate=gate_of(person),
        meter=meter(owner=person),
        outage_words=outage_words(model_outage(), person),
        turn_id=turn_id or uuid4(),
        **said,
    )


def conversation_page(
    person: Person, conversation: Conversation | None, turns: TurnsPage | None = None, **said: Any
) -> dict[str, Any]:
    """The page of a conversation, or of a new one, with one read of its turns: `turns`, or the newest of them.

    `said` goes to the composer.
    """
    turns = turns or (newest_turns(conversation) if conversation else TurnsPage())
    live_turn = next((turn for turn in turns.turns if turn.is_live), None)
    return {
        "person": person,
        "conversation": conversation,
        "conversations": conversations_of(person)[:CONVERSATIONS_LISTED],
        "turns_page": turns,
        "turns": turns_shown_on_page(turns.turns),
        "composer": composer_for(person, conversation, live_turn=live_turn, **said),
        "runs_at_home": runs_at_home(),
        "guard_host": guard_host(),
        "model_name": settings.TUTOR_MODEL,
    }


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
