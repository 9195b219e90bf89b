from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.middleware import HtmxDetails

from accounts.access import person_of, sign_in_required
from chat import services
from chat.asking import services as asking
from chat.asking.services import question_count
from chat.errors import ConversationGone, PersonalFound, StillAnswering
from chat.models import Conversation, Turn
from chat.replies import REFUSALS, Refusal, said
from chat.selectors import conversation_of, turn_of
from chat.web.conversation import (
    composer_for,
    conversation_page,
    earlier_turns,
    ending_swaps,
    is_place,
    partial,
    retry_swaps,
    turn_address,
    turns_page,
)
from chat.web.pages import turn_shown
from kit.found import or_404
from kit.free_text import reads_free_text
from kit.throttles import TooOften, slowed
from safeguarding.crisis import mark_judged
from telemetry.context import note


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def own_conversation(request: HtmxRequest, conversation_id: UUID) -> Conversation:
    """The signed-in person's conversation; 404 for anybody else's, so that an id tells nothing."""
    with or_404(Conversation.DoesNotExist):
        return conversation_of(person_of(request), conversation_id)


def own_turn(request: HtmxRequest, turn_id: UUID) -> Turn:
    note(turn=turn_id)
    with or_404(Turn.DoesNotExist):
        return turn_of(person_of(request), turn_id)


@sign_in_required
@require_safe
def start(request: HtmxRequest) -> HttpResponse:
    return render(request, "chat/conversation.html", conversation_page(person_of(request), None))


@sign_in_required
@require_safe
@vary_on_headers("HX-Request")
def conversation(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """A page of its turns: the newest, or those around (`at`), `before` or `after` one of them."""
    person, found = person_of(request), own_conversation(request, conversation_id)
    with or_404(Turn.DoesNotExist):
        turns = turns_page(found, request.GET)
    if request.htmx and "before" in request.GET:
        return HttpResponse(earlier_turns(request, found, turns))
    return render(request, "chat/conversation.html", conversation_page(person, found, turns))


@sign_in_required
@require_POST
@reads_free_text("question")
def ask(request: HtmxRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """Take a question. Its answer comes by the turn's stream; a page without JavaScript asks for it again."""
    person, question = person_of(request), request.POST.get("question", "")
    when_back = request.POST.get("when") == "back"
    try:
        found = own_conversation(request, conversation_id) if conversation_id else None
    except Http404:
        return _refused(request, None, ConversationGone(), question=question)
    try:
        question_count(person, question, found)
        taken = asking.turn_start_from_page(
            person=person,
            turn_id=_turn_id(request),
            question=question,
            conversation=found,
            personal=request.POST.get("personal", ""),
            when_back=when_back,
        )
    except ConversationGone as refusal:
        return _refused(request, None, refusal, question=question)
    except REFUSALS as refusal:
        parts = refusal.parts if isinstance(refusal, PersonalFound) else None
        return _refused(request, found, refusal, question=question, parts=parts, when_back=when_back)
    mark_judged(request)
    return _taken(request, taken.turn, is_new=found is None)


def _turn_id(request: HtmxRequest) -> UUID:
    """The id that the page gave its turn; a new one where a form has none that can be read."""
    try:
        return UUID(request.POST.get("turn_id", ""))
    except ValueError:
        return uuid4()


def _taken(request: HtmxRequest, turn: Turn, *, is_new: bool) -> HttpResponse:
    if not request.htmx:
        return redirect(turn_address(turn))
    if is_new or _is_old_page(request):
        # The address ends in the turn, which takes the focus as the page opens.
        return HttpResponse(headers={"HX-Redirect": turn_address(turn)})
    shown = partial("turn", request, shown=turn_shown(turn)) + _composer_swap(request, turn)
    return HttpResponse(shown, headers={"HX-Reswap": f"beforeend show:#turn-{turn.pk}:top"})


def _is_old_page(request: HtmxRequest) -> bool:
    """Whether a new turn would stand below turns of long ago, with those in between missing."""
    return is_place(QueryDict(urlsplit(request.htmx.current_url or "").query))


def _composer_swap(request: HtmxRequest, turn: Turn) -> str:
    live_turn = turn if turn.is_live else None
    composer = composer_for(person_of(request), turn.conversation, live_turn=live_turn)
    return partial("composer_swap", request, composer=composer)


def _refused(
    request: HtmxRequest, conversation: Conversation | None, refusal: Refusal, **typed: Any
) -> HttpResponse:
    """The composer again, with what was typed and why it was not taken.

    While another question is being answered the turns come along, so that the page shows what its button would stop.
    """
    person = person_of(request)
    page = conversation_page(person, conversation, error=said(refusal, person), **typed)
    if not request.htmx:
        answer = render(request, "chat/conversation.html", page, status=_status_of(refusal))
        return slowed(answer, refusal) if isinstance(refusal, TooOften) else answer
    shown = partial("composer", request, composer=page["composer"])
    if isinstance(refusal, StillAnswering):
        shown += partial("turns_swap", request, **page)
    # A form that stood in a deleted conversation becomes that of a new one, which is no page that is missing.
    status = 422 if isinstance(refusal, ConversationGone) else _status_of(refusal)
    headers = {"HX-Retarget": "#composer", "HX-Reswap": "outerHTML"}
    answer = HttpResponse(shown, status=status, headers=headers)
    return slowed(answer, refusal) if isinstance(refusal, TooOften) else answer


def _status_of(refusal: Refusal) -> int:
    match refusal:
        case TooOften():
            return 429
        case ConversationGone():
            return 404
    return 422


@sign_in_required
@require_POST
def stop(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Stop a turn. Where it has ended already, the page is brought up to date, as its stream may not have told it."""
    services.turn_stop(turn=own_turn(request, turn_id))
    turn = own_turn(request, turn_id)
    if not request.htmx:
        return redirect(turn_address(turn))
    if turn.is_live:
        return HttpResponse(status=204)
    composer = composer_for(person_of(request), turn.conversation, live_turn=None)
    shown = ending_swaps(request, turn)
    return HttpResponse(shown + partial("composer_actions_swap", request, composer=composer))


@sign_in_required
@require_POST
def retry(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Ask the question of a failed or stopped turn again; it stays until the new turn has come to something better."""
    person, failed = person_of(request), own_turn(request, turn_id)
    when_back = request.POST.get("when") == "back"

    def again(new_id: UUID) -> Turn:
        return asking.turn_retry(person=person, failed=failed, turn_id=new_id, when_back=when_back).turn

    return _ask_again(request, failed, again)


@sign_in_required
@require_POST
def continue_answer(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Ask for the rest of an answer that broke off."""
    person, unfinished = person_of(request), own_turn(request, turn_id)

    def go_on(new_id: UUID) -> Turn:
        return asking.continue_turn(person=person, turn=unfinished, turn_id=new_id).turn

    return _ask_again(request, unfinished, go_on)


def _ask_again(request: HtmxRequest, earlier: Turn, asking: Callable[[UUID], Turn]) -> HttpResponse:
    person = person_of(request)
    try:
        question_count(person, earlier.question, earlier.conversation)
        turn = asking(_turn_id(request))
    except REFUSALS as refusal:
        return _refused(request, earlier.conversation, refusal)
    if not request.htmx:
        return redirect(turn_address(turn))
    if _is_old_page(request):
        return HttpResponse(headers={"HX-Redirect": turn_address(turn)})
    swaps = retry_swaps(request, own_turn(request, earlier.pk), turn)
    return HttpResponse(swaps + _composer_swap(request, turn))


@sign_in_required
@require_POST
def go_on(request: HtmxRequest) -> HttpResponse:
    """Back to the tutor after a help card, once the pause has had its time."""
    services.pause_end(person=person_of(request))
    return redirect("chat:start")


@sign_in_required
@require_POST
@reads_free_text("title")
def rename(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    found = own_conversation(request, conversation_id)
    services.conversation_rename(conversation=found, title=request.POST.get("title", ""))
    listed = _listed(request)
    return redirect(listed) if listed else _back(request, found)


@sign_in_required
@require_http_methods(["GET", "POST"])
def delete(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Asks first, as there is no way back."""
    found = own_conversation(request, conversation_id)
    if request.method == "GET":
        return render(request, "chat/delete.html", {"conversation": found, "listed": _listed(request)})
    services.conversation_delete(conversation=found)
    return redirect(_listed(request) or "chat:start")


def _listed(request: HtmxRequest) -> str:
    """The page of the list of conversations that a person came from, or ""."""
    address = request.POST.get("listed") or request.GET.get("listed") or ""
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours and address.startswith(reverse("chat:conversations")) else ""


def _back(request: HtmxRequest, conversation: Conversation) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("chat:conversation", conversation.pk)
