from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from accounts.models import Person
from accounts.throttle import TooOften
from chat import pauses, services
from chat.errors import PersonalFound
from chat.looking import overview
from chat.models import Conversation, Turn
from chat.pages import Composer, composer_for, conversation_page, partial, turn_shown
from chat.refusals import REFUSALS, Refusal, said
from chat.selectors import conversation_of, turn_of
from chat.throttles import question_count
from families.looks import look_take
from families.models import Link
from families.selectors import link_to_teen
from telemetry.context import note


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def person_of(request: HtmxRequest) -> Person:
    person = request.user
    assert isinstance(person, Person)  # noqa: S101 - every view here requires sign-in; this tells the types
    return person


def own_conversation(request: HtmxRequest, conversation_id: UUID) -> Conversation:
    """The signed-in person's conversation; 404 for anybody else's, so that an id tells nothing."""
    try:
        return conversation_of(person_of(request), conversation_id)
    except Conversation.DoesNotExist as fault:
        raise Http404 from fault


def own_turn(request: HtmxRequest, turn_id: UUID) -> Turn:
    note(turn=turn_id)
    try:
        return turn_of(person_of(request), turn_id)
    except Turn.DoesNotExist as fault:
        raise Http404 from fault


@login_required
@require_safe
def start(request: HtmxRequest) -> HttpResponse:
    person = person_of(request)
    page = conversation_page(person, None, composer_for(person, None))
    return render(request, "chat/conversation.html", page)


@login_required
@require_safe
def conversation(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    person, found = person_of(request), own_conversation(request, conversation_id)
    page = conversation_page(person, found, composer_for(person, found))
    return render(request, "chat/conversation.html", page)


@login_required
@require_POST
def ask(request: HtmxRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """Take a question. Its answer comes by the turn's stream; a page without JavaScript asks for it again."""
    person = person_of(request)
    found = own_conversation(request, conversation_id) if conversation_id else None
    question, turn_id = request.POST.get("question", ""), _turn_id(request)
    try:
        question_count(person, question, found)
        turn = services.turn_start(
            person=person,
            turn_id=turn_id,
            question=question,
            conversation=found,
            personal=request.POST.get("personal", ""),
        )
    except REFUSALS as refusal:
        parts = refusal.parts if isinstance(refusal, PersonalFound) else None
        composer = composer_for(
            person, found, turn_id=turn_id, question=question, error=said(refusal, person), parts=parts
        )
        return _refused(request, composer, refusal)
    except Turn.DoesNotExist as fault:
        raise Http404 from fault
    return _taken(request, turn, is_new=found is None)


def _turn_id(request: HtmxRequest) -> UUID:
    try:
        return UUID(request.POST.get("turn_id", ""))
    except ValueError as fault:
        raise Http404 from fault


def _taken(request: HtmxRequest, turn: Turn, *, is_new: bool) -> HttpResponse:
    address = reverse("chat:conversation", args=[turn.conversation_id])
    if not request.htmx:
        return redirect(f"{address}#turn-{turn.pk}")
    if is_new:
        return HttpResponse(headers={"HX-Redirect": address})
    composer = composer_for(person_of(request), turn.conversation)
    shown = partial("turn", request, shown=turn_shown(turn)) + partial(
        "composer_swap", request, composer=composer
    )
    return HttpResponse(shown, headers={"HX-Reswap": f"beforeend show:#turn-{turn.pk}:top"})


def _refused(request: HtmxRequest, composer: Composer, refusal: Refusal) -> HttpResponse:
    """The composer again, with what was typed and why it was not taken."""
    status = 429 if isinstance(refusal, TooOften) else 422
    if request.htmx:
        headers = {"HX-Retarget": "#composer", "HX-Reswap": "outerHTML"}
        return HttpResponse(partial("composer", request, composer=composer), status=status, headers=headers)
    page = conversation_page(composer.person, composer.conversation, composer)
    return render(request, "chat/conversation.html", page, status=status)


@login_required
@require_POST
def stop(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    turn = own_turn(request, turn_id)
    services.turn_stop(turn=turn)
    return _back(request, turn.conversation)


@login_required
@require_POST
def retry(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    person, failed = person_of(request), own_turn(request, turn_id)
    try:
        question_count(person, failed.question, failed.conversation)
        turn = services.turn_retry(person=person, failed=failed, turn_id=_turn_id(request))
    except REFUSALS as refusal:
        composer = composer_for(person, failed.conversation, error=said(refusal, person))
        return _refused(request, composer, refusal)
    except Turn.DoesNotExist as fault:
        raise Http404 from fault
    if not request.htmx:
        return _back(request, turn.conversation)
    composer = composer_for(person, turn.conversation)
    shown = partial("turn", request, shown=turn_shown(turn)) + partial(
        "composer_swap", request, composer=composer
    )
    return HttpResponse(shown)


@login_required
@require_POST
def go_on(request: HtmxRequest) -> HttpResponse:
    """Back to the tutor after a help card, once the pause has had its time."""
    pauses.pause_end(person=person_of(request))
    return redirect("chat:start")


@login_required
@require_POST
def rename(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    found = own_conversation(request, conversation_id)
    services.conversation_rename(conversation=found, title=request.POST.get("title", ""))
    return _back(request, found)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Asks first, as there is no way back."""
    found = own_conversation(request, conversation_id)
    if request.method == "GET":
        return render(request, "chat/delete.html", {"conversation": found})
    services.conversation_delete(conversation=found)
    return redirect("chat:start")


def _back(request: HtmxRequest, conversation: Conversation) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("chat:conversation", conversation.pk)


@login_required
@require_safe
@never_cache
def look(request: HtmxRequest, link_id: UUID) -> HttpResponse:
    """A parent looks at what was agreed. The look is written down before anything is shown."""
    try:
        link = link_to_teen(person_of(request), link_id)
    except Link.DoesNotExist as fault:
        raise Http404 from fault
    view = look_take(link=link)
    page = {"link": link, "view": view, "overview": overview(link, view), "person": person_of(request)}
    return render(request, "chat/look.html", page)
