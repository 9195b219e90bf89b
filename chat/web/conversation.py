"""The page of a conversation: its turns in pages, the form for the next question, and the htmx swaps."""

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
from chat.formatting import format_destination, format_meter, format_outage, format_pace, format_stop
from chat.model_choice import preview_route
from chat.models import LIVE_STATES, MAX_QUESTION_LENGTH, Conversation, Turn
from chat.selectors import Pause, find_pause, list_conversations, list_shown_turns
from chat.turns.pace import find_pace_end
from chat.web.practice import ModuleQuiz
from chat.web.turns import build_shown_turn, build_shown_turns
from families.gate import TutorGate, get_tutor_gate
from inference.location import find_outside_guard_host
from routing.models import TutorModel
from routing.registry import is_self_hosted, list_models
from safeguarding.helplines import get_country_help
from safeguarding.human_review import find_cached_human_review
from safeguarding.review import is_tutor_open
from safeguarding.teen_page import find_waiting_question

TURNS_PER_PAGE = 50
IS_LIVE = ExpressionWrapper(Q(state__in=LIVE_STATES), output_field=BooleanField())


@dataclass(frozen=True)
class TurnsPage:
    """A page of a conversation's turns, oldest first, and whether there are others before and after."""

    turns: Sequence[Turn] = ()
    has_earlier: bool = False
    has_later: bool = False

    @property
    def first(self) -> Turn:
        return self.turns[0]

    @property
    def last(self) -> Turn:
        return self.turns[-1]


def get_turns_page(conversation: Conversation, query: Mapping[str, str]) -> TurnsPage:
    """Return the page that `query` asks for: around (`at`), `before` or `after` a turn's id, or the newest turns.

    Raises Turn.DoesNotExist if the id is not that of a turn in this conversation.
    """
    for name, page in (("at", _get_turns_around), ("before", _get_turns_before), ("after", _get_turns_after)):
        if name in query:
            return page(conversation, _get_turn(conversation, query[name]))
    return get_newest_turns(conversation)


def has_place(query: Mapping[str, str]) -> bool:
    """Return whether a query asks for a page other than the newest turns."""
    return not {"at", "before", "after"}.isdisjoint(query)


def get_newest_turns(conversation: Conversation) -> TurnsPage:
    """Return the newest turns, always including a live one: this page has the Stop button and the growing answer."""
    newest = list(
        _list_turns(conversation).order_by(IS_LIVE.desc(), "-asked_at", "-pk")[: TURNS_PER_PAGE + 1]
    )
    has_earlier = len(newest) > TURNS_PER_PAGE
    shown = sorted(newest[:TURNS_PER_PAGE], key=_sort_key)
    if has_earlier and shown[0].is_live:
        # Crisis cards do not wait for a live turn to end, so more than a page of them may follow it.
        live = shown[0]
        shown = list(_list_turns(conversation).filter(_is_from(live)).order_by("asked_at", "pk"))
        has_earlier = _list_turns(conversation).filter(_is_before(live)).exists()
    return TurnsPage(shown, has_earlier=has_earlier)


def get_turn_url(turn: Turn) -> str:
    """Return the address of a turn: on the newest page if it is there, or else the page around it."""
    later = list_shown_turns(turn.conversation).filter(_is_after(turn))
    is_old = later.order_by("asked_at", "pk")[TURNS_PER_PAGE - 1 : TURNS_PER_PAGE].exists()
    return get_place_url(turn) if is_old else f"{_get_url(turn)}#turn-{turn.pk}"


def get_place_url(turn: Turn) -> str:
    """Return the address of the page around a turn."""
    return f"{_get_url(turn)}?at={turn.pk}#turn-{turn.pk}"


def _get_url(turn: Turn) -> str:
    return reverse("chat:conversation", args=[turn.conversation_id])


def _get_turns_around(conversation: Conversation, turn: Turn) -> TurnsPage:
    half = TURNS_PER_PAGE // 2
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
        _list_turns(conversation).filter(_is_before(turn)).order_by("-asked_at", "-pk")[: TURNS_PER_PAGE + 1]
    )
    return TurnsPage(
        rows[:TURNS_PER_PAGE][::-1], has_earlier=len(rows) > TURNS_PER_PAGE, has_later=bool(rows)
    )


def _get_turns_after(conversation: Conversation, turn: Turn) -> TurnsPage:
    rows = list(
        _list_turns(conversation).filter(_is_after(turn)).order_by("asked_at", "pk")[: TURNS_PER_PAGE + 1]
    )
    return TurnsPage(rows[:TURNS_PER_PAGE], has_earlier=bool(rows), has_later=len(rows) > TURNS_PER_PAGE)


def _get_turn(conversation: Conversation, turn_id: str) -> Turn:
    """Return a turn of the conversation, even one that was replaced: its position is still valid."""
    try:
        return conversation.turns.only("asked_at").get(pk=UUID(turn_id))
    except ValueError as error:
        raise Turn.DoesNotExist from error


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


# The form's `destination` if the page says that the question stays on this site's own machines.
LOCAL_DESTINATION = "local"
# How many conversations are listed beside the tutor. Another page has all of them.
LISTED_CONVERSATIONS = 20


@dataclass(frozen=True)
class Composer:
    """The form for the next question. Because of its `turn_id`, posting it twice asks once."""

    person: Person
    conversation: Conversation | None
    live_turn: Turn | None
    pause: Pause | None
    is_open: bool
    gate: TutorGate
    meter: Meter
    # Says that answers are short because the person has asked a lot, or "".
    pace_text: str
    # The notice about a model outage, or "".
    outage_text: str
    # The model that the next question goes to, and whether any model of this site is outside.
    model: TutorModel | None
    has_outside_models: bool
    turn_id: UUID
    question: str = ""
    # The turn whose question is being worded anew, if any.
    reworded: Turn | None = None
    error: str = ""
    # The personal data in the question, if the asker must decide about it; None otherwise.
    parts: Sequence[str] | None = None
    # The quiz of the module whose lesson the person wanted to be quizzed on.
    module_quiz: ModuleQuiz | None = None
    # Whether the asker chose to wait until the model is back.
    wait_for_model: bool = False

    @property
    def asks_about_personal_data(self) -> bool:
        """Whether the asker must decide what to do with personal data in the question."""
        return self.parts is not None

    @property
    def destination(self) -> str:
        """Where the next question goes, for the form: LOCAL_DESTINATION or the host outside."""
        return LOCAL_DESTINATION if self.model is None or self.model.is_local else self.model.host

    @property
    def destination_text(self) -> str:
        """Say where the next question goes; "" if every model is on this site's own machines."""
        if self.model is None or not self.has_outside_models:
            return ""
        return format_destination(self.model, local_only=self.gate.terms.local_only)

    @property
    def is_resting(self) -> bool:
        """Whether the tutor answers nothing now. The form stays open: a cry for help is always judged."""
        return (
            not self.is_open
            or self.meter.stop is not None
            or self.gate.closed_reason is not None
            or self.pause is not None
        )

    @property
    def stop_text(self) -> str:
        """Why an admin has stopped the tutor on the whole site; "" if none has."""
        return format_stop(self.meter.stop, self.person) if self.meter.stop else ""

    @property
    def has_question_box(self) -> bool:
        """Whether a question can be written. Not while the card for immediate danger is what matters.

        A question that is sent all the same, from another tab or a program, is still judged.
        """
        return self.pause is None or not self.pause.is_acute

    @property
    def emergency_number(self) -> str:
        return get_country_help(settings.HELP_COUNTRY).emergency

    @property
    def max_question_length(self) -> int:
        return MAX_QUESTION_LENGTH

    @property
    def meter_text(self) -> str:
        return format_meter(self.meter, self.person)

    @property
    def pause_url(self) -> str:
        """The address of the turn that paused the tutor, or ""."""
        return get_turn_url(self.pause.turn) if self.pause else ""


def build_composer(
    person: Person,
    conversation: Conversation | None,
    *,
    live_turn: Turn | None,
    turn_id: UUID | None = None,
    **composer_fields: Any,
) -> Composer:
    """Build the form for the next question. `live_turn` is the live turn that the same page shows, if any.

    It is not queried again here: if the turn ended between two queries, its Stop button would never go away.
    """
    gate = get_tutor_gate(person)
    preview = preview_route(person, gate)
    meter = get_meter(owner=person)
    pace_ends_at = None
    if meter.answers_per_hour is not None:
        pace_ends_at = find_pace_end(person, answers_per_hour=meter.answers_per_hour)
    return Composer(
        person=person,
        conversation=conversation,
        live_turn=live_turn,
        pause=find_pause(person),
        is_open=is_tutor_open(),
        gate=gate,
        meter=meter,
        pace_text=format_pace(pace_ends_at, person) if pace_ends_at else "",
        outage_text=format_outage(preview.outage, person),
        model=preview.model,
        has_outside_models=not is_self_hosted(),
        turn_id=turn_id or uuid4(),
        **composer_fields,
    )


def build_conversation_page(
    person: Person, conversation: Conversation | None, turns: TurnsPage | None = None, **composer_fields: Any
) -> dict[str, Any]:
    """Build the context of a conversation's page, or of a new one, with `turns` or the newest turns.

    `composer_fields` are passed to the composer.
    """
    turns = turns or (get_newest_turns(conversation) if conversation else TurnsPage())
    live_turn = next((turn for turn in turns.turns if turn.is_live), None)
    return {
        "person": person,
        "conversation": conversation,
        "conversations": list_conversations(person)[:LISTED_CONVERSATIONS],
        "turns_page": turns,
        "turns": build_shown_turns(turns.turns, shows_costs=True),
        "composer": build_composer(person, conversation, live_turn=live_turn, **composer_fields),
        "teen_question": find_waiting_question(person),
        "review": find_cached_human_review(),
        "is_self_hosted": is_self_hosted(),
        "has_local_models": any(model.is_local for model in list_models()),
        "guard_host": find_outside_guard_host(),
        # The demo's model is that of the settings. It may not be in use.
        "demo_model_name": next((model.model_name for model in list_models() if model.is_from_settings), ""),
    }


def render_earlier_turns(request: HttpRequest, conversation: Conversation, turns: TurnsPage) -> str:
    """Render a page of turns to insert above those on the page."""
    context = {
        "conversation": conversation,
        "turns_page": turns,
        "turns": build_shown_turns(turns.turns, shows_costs=True),
    }
    return render_to_string("chat/earlier.html", context, request)


def render_partial(name: str, request: HttpRequest, **context: Any) -> str:
    """Render a partial of the tutor's page by name."""
    return render_to_string(f"chat/conversation.html#{name}", context, request)


def render_retry_swaps(request: HttpRequest, earlier: Turn, current: Turn) -> str:
    """Render the swaps for a page on which `earlier` was retried or continued, with `current` as its current turn."""
    swaps = render_partial("turn_swap", request, shown=build_shown_turn(earlier))
    if earlier.replaced_by_id:
        swaps = render_partial("turn_gone", request, turn=earlier)
    if current != earlier:
        # The current turn may be on the page already.
        swaps += render_partial("turn_gone", request, turn=current)
        swaps += render_partial("turn_added", request, shown=build_shown_turn(current))
    return swaps


def render_end_swaps(request: HttpRequest, turn: Turn) -> str:
    """Render the swaps for a page on which a turn has ended. If it was a retry, only the better turn stays.

    That turn is put where the retry was: readers look there, and the earlier turn may be on another page.
    """
    earlier = turn.retry_of
    if earlier is None:
        return render_partial("turn_swap", request, shown=build_shown_turn(turn))
    stays = earlier if turn.replaced_by_id == earlier.pk else turn
    swap = render_partial("turn_replaced", request, shown=build_shown_turn(stays), replaced=turn)
    return render_partial("turn_gone", request, turn=earlier) + swap
