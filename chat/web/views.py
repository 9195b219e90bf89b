"""The tutor's pages: conversations, questions, pauses, reports and the search."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget
from django_htmx.middleware import HtmxDetails

from accounts.access import get_person, page_of_its_form, sign_in_required
from chat import services
from chat.asking import services as asking
from chat.asking.follow_ups import (
    NoSuchLesson,
    NothingToCheck,
    answer_quiz,
    ask_follow_up,
    ask_lesson_quiz,
    continue_turn,
    retry_turn,
)
from chat.asking.services import question_rate_limit, require_question_rate
from chat.errors import ConversationGone, FollowUpNotOffered, PersonalDataFound, StillAnswering
from chat.formatting import REJECTIONS, Rejection, format_rejection
from chat.method.quizzes import MAX_QUESTIONS
from chat.method.reading import FollowUp
from chat.models import Conversation, Turn
from chat.plans import list_agreed_limits, list_plan_summaries
from chat.reports import NothingToReport, create_report, report_rate_limit, withdraw_report
from chat.selectors import find_reworded_turn, get_conversation, get_turn
from chat.services import answer_check_in
from chat.web.conversation import (
    LOCAL_DESTINATION,
    build_composer,
    build_conversation_page,
    get_turn_url,
    get_turns_page,
    has_place,
    render_earlier_turns,
    render_end_swaps,
    render_partial,
    render_retry_swaps,
)
from chat.web.practice import find_module_quiz
from chat.web.turns import ReportForm, build_shown_turn
from families.gate import get_tutor_gate
from kit.free_text import free_text_fields
from kit.not_found import raise_404_on
from kit.rate_limits import RateLimited, format_rate_limited, mark_rate_limited
from kit.visits import is_visit
from safeguarding.crisis import mark_judged
from telemetry.context import bind_log_ids


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


def get_own_conversation(request: HttpRequest, conversation_id: UUID) -> Conversation:
    """Return a conversation of the signed-in person, or raise Http404, so that an id reveals nothing."""
    with raise_404_on(Conversation.DoesNotExist):
        return get_conversation(get_person(request), conversation_id)


def get_own_turn(request: HtmxRequest, turn_id: UUID) -> Turn:
    """Return the signed-in person's own turn. Raises Http404 for any other."""
    bind_log_ids(turn=turn_id)
    with raise_404_on(Turn.DoesNotExist):
        return get_turn(get_person(request), turn_id)


@sign_in_required
@require_safe
def plan(request: HtmxRequest) -> HttpResponse:
    """Show what the person's plan gives them, beside Free and Pro."""
    person = get_person(request)
    own, *others = list_plan_summaries(person)
    context = {
        "own": own,
        "summaries": [own, *others],
        "agreed": list_agreed_limits(get_tutor_gate(person).terms),
    }
    return render(request, "chat/plan.html", context)


@sign_in_required
@require_safe
def start(request: HtmxRequest) -> HttpResponse:
    page = build_conversation_page(get_person(request), None)
    return render(
        request, "chat/conversation.html", page | {"is_disclosure_open": _is_first_of_session(request)}
    )


def _is_first_of_session(request: HtmxRequest) -> bool:
    """Return whether this is the first page of the tutor that the session shows, and remember it."""
    if request.session.get("saw_disclosure") or not is_visit(request):
        return False
    request.session["saw_disclosure"] = True
    return True


@sign_in_required
@require_safe
@vary_on_headers("HX-Request")
def conversation(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Show a page of a conversation's turns: the newest, or those around (`at`), `before` or `after` a turn."""
    person, conversation = get_person(request), get_own_conversation(request, conversation_id)
    with raise_404_on(Turn.DoesNotExist):
        turns = get_turns_page(conversation, request.GET)
    if request.htmx and "before" in request.GET:
        return HttpResponse(render_earlier_turns(request, conversation, turns))
    reworded = _find_reworded(conversation, request.GET)
    page = build_conversation_page(
        person, conversation, turns, reworded=reworded, question=reworded.question if reworded else ""
    )
    page["is_disclosure_open"] = _is_first_of_session(request)
    return render(request, "chat/conversation.html", page)


def _find_reworded(conversation: Conversation | None, query: QueryDict) -> Turn | None:
    """Return the turn whose question the page or form asks in other words, or None."""
    try:
        return find_reworded_turn(conversation, UUID(query.get("reword", "")))
    except ValueError:
        return None


@sign_in_required
@require_POST
@free_text_fields("question")
def ask(request: HtmxRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """Ask a question. The answer arrives on the turn's stream; a page without JavaScript reloads."""
    person, question = get_person(request), request.POST.get("question", "")
    wait_for_model = request.POST.get("when") == "back"
    # What the page has said about this question holds, even if another model is free again.
    local_only = request.POST.get("destination") == LOCAL_DESTINATION
    try:
        conversation = get_own_conversation(request, conversation_id) if conversation_id else None
    except Http404:
        return _show_rejection(request, None, ConversationGone(), question=question)
    reworded = _find_reworded(conversation, request.POST)
    try:
        require_question_rate(person, question, conversation)
        started = asking.start_turn_from_page(
            person=person,
            turn_id=_read_turn_id(request),
            question=question,
            conversation=conversation,
            reworded=reworded,
            personal_data_choice=request.POST.get("personal", ""),
            wait_for_model=wait_for_model,
            local_only=local_only,
        )
    except ConversationGone as rejection:
        return _show_rejection(request, None, rejection, question=question)
    except REJECTIONS as rejection:
        parts = rejection.parts if isinstance(rejection, PersonalDataFound) else None
        return _show_rejection(
            request,
            conversation,
            rejection,
            question=question,
            reworded=reworded,
            parts=parts,
            wait_for_model=wait_for_model,
        )
    mark_judged(request)
    return _show_turn(request, started.turn, is_new=conversation is None, reworded=reworded)


def _read_turn_id(request: HtmxRequest) -> UUID:
    """Return the turn id from the form, or a new one if the form has no valid id."""
    try:
        return UUID(request.POST.get("turn_id", ""))
    except ValueError:
        return uuid4()


def _show_turn(
    request: HtmxRequest, turn: Turn, *, is_new: bool, reworded: Turn | None = None
) -> HttpResponse:
    if not request.htmx:
        return redirect(get_turn_url(turn))
    if is_new or _shows_earlier_page(request):
        # The address ends with the turn's anchor, so the turn is focused when the page opens.
        return HttpResponseClientRedirect(get_turn_url(turn))
    shown = render_partial("turn", request, shown=build_shown_turn(turn)) + _render_composer_swap(
        request, turn
    )
    if reworded:
        earlier = build_shown_turn(get_own_turn(request, reworded.pk))
        shown += render_partial("turn_swap", request, shown=earlier)
    return HttpResponse(shown, headers={"HX-Reswap": f"beforeend show:#turn-{turn.pk}:top"})


def _shows_earlier_page(request: HtmxRequest) -> bool:
    """Return whether the page shows earlier turns, so that a new turn would follow them with a gap."""
    return has_place(QueryDict(urlsplit(request.htmx.current_url or "").query))


def _render_composer_swap(request: HtmxRequest, turn: Turn) -> str:
    live_turn = turn if turn.is_live else None
    composer = build_composer(get_person(request), turn.conversation, live_turn=live_turn)
    return render_partial("composer_swap", request, composer=composer)


def _show_rejection(
    request: HtmxRequest, conversation: Conversation | None, rejection: Rejection, **typed: Any
) -> HttpResponse:
    """Show the composer again, with the typed text and why it was rejected.

    While another question is being answered, the turns are sent as well, so that the page shows what Stop would stop.
    """
    person = get_person(request)
    page = build_conversation_page(person, conversation, error=format_rejection(rejection, person), **typed)
    if not request.htmx:
        answer = render(request, "chat/conversation.html", page, status=_get_status(rejection))
        return mark_rate_limited(answer, rejection) if isinstance(rejection, RateLimited) else answer
    shown = render_partial("composer", request, composer=page["composer"])
    if isinstance(rejection, StillAnswering):
        shown += render_partial("turns_swap", request, **page)
    # The form of a deleted conversation becomes that of a new one, so 404 would be wrong here.
    status = 422 if isinstance(rejection, ConversationGone) else _get_status(rejection)
    answer = reswap(retarget(HttpResponse(shown, status=status), "#composer"), "outerHTML")
    return mark_rate_limited(answer, rejection) if isinstance(rejection, RateLimited) else answer


def _get_status(rejection: Rejection) -> int:
    match rejection:
        case RateLimited():
            return 429
        case ConversationGone():
            return 404
    return 422


@sign_in_required
@require_POST
def stop(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Stop a turn. If it has ended already, update the page, which may have missed the end on the stream."""
    services.stop_turn(turn=get_own_turn(request, turn_id))
    turn = get_own_turn(request, turn_id)
    if not request.htmx:
        return redirect(get_turn_url(turn))
    if turn.is_live:
        return HttpResponse(status=204)
    composer = build_composer(get_person(request), turn.conversation, live_turn=None)
    shown = render_end_swaps(request, turn)
    return HttpResponse(shown + render_partial("composer_actions_swap", request, composer=composer))


@sign_in_required
@require_POST
def retry(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Retry a failed or stopped turn. It stays until the retry has ended and is better."""
    person, failed = get_person(request), get_own_turn(request, turn_id)
    wait_for_model = request.POST.get("when") == "back"

    def start_retry(new_id: UUID) -> Turn:
        return retry_turn(person=person, failed=failed, turn_id=new_id, wait_for_model=wait_for_model).turn

    return _ask_again(request, failed, start_retry)


@sign_in_required
@require_POST
def continue_answer(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Ask for the rest of an unfinished answer."""
    person, unfinished = get_person(request), get_own_turn(request, turn_id)

    def start_continuation(new_id: UUID) -> Turn:
        return continue_turn(person=person, turn=unfinished, turn_id=new_id).turn

    return _ask_again(request, unfinished, start_continuation)


@sign_in_required
@require_POST
@free_text_fields("attempt")
def follow_up(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Ask for a hint, a check of one's own step, or another follow-up of an answer, in a new turn."""
    person, about = get_person(request), get_own_turn(request, turn_id)
    attempt = request.POST.get("attempt", "")
    try:
        asked = FollowUp(request.POST.get("follow_up", ""))
        require_question_rate(person, attempt or about.question, about.conversation)
        started = ask_follow_up(
            person=person,
            about=about,
            follow_up=asked,
            turn_id=_read_turn_id(request),
            text=attempt,
            is_from_page=True,
        )
    except ValueError:
        return _show_rejection(request, about.conversation, FollowUpNotOffered(), question=attempt)
    except REJECTIONS as rejection:
        parts = rejection.parts if isinstance(rejection, PersonalDataFound) else None
        return _show_rejection(request, about.conversation, rejection, question=attempt, parts=parts)
    mark_judged(request)
    return _show_turn(request, started.turn, is_new=False)


@sign_in_required
@require_POST
def quiz_on_lesson(request: HtmxRequest, module: str, lesson: str) -> HttpResponse:
    """Ask for a quiz on a lesson in a new conversation. Where the tutor is closed, offer the module's own quiz."""
    person = get_person(request)
    try:
        question_rate_limit.hit(person.pk)
        with raise_404_on(NoSuchLesson):
            started = ask_lesson_quiz(
                person=person, module=module, lesson=lesson, turn_id=_read_turn_id(request)
            )
    except REJECTIONS as rejection:
        return _offer_module_quiz(request, module, rejection)
    return redirect(get_turn_url(started.turn))


def _offer_module_quiz(request: HtmxRequest, module: str, rejection: Rejection) -> HttpResponse:
    """Show the tutor's page, which says why it does not answer, with a link to the module's own quiz."""
    limited = rejection if isinstance(rejection, RateLimited) else None
    page = build_conversation_page(
        get_person(request),
        None,
        # The other reasons are about a text that was written, and none was.
        error=format_rate_limited(limited) if limited else "",
        module_quiz=find_module_quiz(module),
    )
    response = render(request, "chat/conversation.html", page, status=_get_status(rejection))
    return mark_rate_limited(response, limited) if limited else response


@sign_in_required
@require_POST
def check_quiz(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Check the answers to a turn's practice quiz. 404 without a quiz."""
    turn = get_own_turn(request, turn_id)
    with raise_404_on(NothingToCheck):
        choices = [request.POST.get(f"question-{number}", "") for number in range(1, MAX_QUESTIONS + 1)]
        answer_quiz(turn=turn, choices=choices)
    return _show_changed_turn(request, turn)


def _ask_again(request: HtmxRequest, earlier: Turn, start_turn: Callable[[UUID], Turn]) -> HttpResponse:
    person = get_person(request)
    try:
        require_question_rate(person, earlier.question, earlier.conversation)
        turn = start_turn(_read_turn_id(request))
    except REJECTIONS as rejection:
        return _show_rejection(request, earlier.conversation, rejection)
    if not request.htmx:
        return redirect(get_turn_url(turn))
    if _shows_earlier_page(request):
        return HttpResponseClientRedirect(get_turn_url(turn))
    swaps = render_retry_swaps(request, get_own_turn(request, earlier.pk), turn)
    return HttpResponse(swaps + _render_composer_swap(request, turn))


@sign_in_required
@require_POST
def end_pause(request: HtmxRequest) -> HttpResponse:
    """End the pause after a crisis card, if its time has passed, and return to the tutor."""
    services.end_pause(person=get_person(request))
    return redirect("chat:start")


@sign_in_required
@require_POST
@free_text_fields("title")
def rename(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Rename a conversation, and return to the list if the form came from there."""
    conversation = get_own_conversation(request, conversation_id)
    services.rename_conversation(conversation=conversation, title=request.POST.get("title", ""))
    listed = _get_list_url(request)
    return redirect(listed) if listed else _return_to_page(request, conversation)


@sign_in_required
@require_http_methods(["GET", "POST"])
@page_of_its_form
def delete(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Delete a conversation, after a page that asks for confirmation."""
    conversation = get_own_conversation(request, conversation_id)
    if request.method == "GET":
        return render(
            request, "chat/delete.html", {"conversation": conversation, "listed": _get_list_url(request)}
        )
    services.delete_conversation(conversation=conversation)
    return redirect(_get_list_url(request) or "chat:start")


def _get_list_url(request: HtmxRequest) -> str:
    """Return the address of the conversation list that the person came from, or ""."""
    address = request.POST.get("listed") or request.GET.get("listed") or ""
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours and address.startswith(reverse("chat:conversations")) else ""


def _return_to_page(request: HtmxRequest, conversation: Conversation) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("chat:conversation", conversation.pk)


@sign_in_required
@require_POST
def check_in(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Answer a check-in. The whole page is shown again, because the composer depends on the answer."""
    turn = get_own_turn(request, turn_id)
    answer_check_in(turn=turn, is_yes=request.POST.get("answer") == "yes")
    return _redirect_to_turn(turn)


@sign_in_required
@require_POST
@free_text_fields("comment")
def report(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Report an answer. Shows the form again with its errors. Raises RateLimited, and Http404 without an answer."""
    turn = get_own_turn(request, turn_id)
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _show_report_form(request, turn, form)
    report_rate_limit.hit(get_person(request).pk)
    with raise_404_on(NothingToReport):
        create_report(turn=turn, **form.cleaned_data)
    return _show_changed_turn(request, turn)


@sign_in_required
@require_POST
def withdraw(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """Withdraw the report of a turn."""
    turn = get_own_turn(request, turn_id)
    withdraw_report(turn=turn)
    return _show_changed_turn(request, turn)


def _show_report_form(request: HtmxRequest, turn: Turn, form: ReportForm) -> HttpResponse:
    """Show the report form again, with the typed text and its errors."""
    if request.htmx:
        shown = replace(build_shown_turn(turn), report_form=form)
        answer = HttpResponse(render_partial("turn", request, shown=shown), status=422)
        return reswap(retarget(answer, f"#turn-{turn.pk}"), "outerHTML")
    turns = get_turns_page(turn.conversation, {"at": str(turn.pk)})
    page = build_conversation_page(get_person(request), turn.conversation, turns)
    page["turns"] = [
        replace(shown, report_form=form) if shown.turn == turn else shown for shown in page["turns"]
    ]
    return render(request, "chat/conversation.html", page, status=422)


def _show_changed_turn(request: HtmxRequest, turn: Turn) -> HttpResponse:
    if request.htmx:
        return HttpResponse(render_partial("turn", request, shown=build_shown_turn(turn)))
    return _redirect_to_turn(turn)


def _redirect_to_turn(turn: Turn) -> HttpResponse:
    return redirect(get_turn_url(turn))
