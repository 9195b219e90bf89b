"""What somebody answers to a pause, and what they say against a turn."""

from dataclasses import replace
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import person_of, sign_in_required
from chat.models import Turn
from chat.reports import NothingToReport, report_make, report_take_back, report_throttle
from chat.services import question_answer
from chat.web.conversation import conversation_page, partial, turn_address, turns_page
from chat.web.pages import ReportForm, turn_shown
from chat.web.views import HtmxRequest, own_turn
from kit.found import or_404
from kit.free_text import reads_free_text


@sign_in_required
@require_POST
def answer(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """The answer to what a pause asks. The whole page follows, as the composer goes by it."""
    turn = own_turn(request, turn_id)
    question_answer(turn=turn, is_yes=request.POST.get("answer") == "yes")
    return _turn_on_its_page(turn)


@sign_in_required
@require_POST
@reads_free_text("words")
def report(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    turn = own_turn(request, turn_id)
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _report_again(request, turn, form)
    report_throttle.hit(person_of(request).pk)
    with or_404(NothingToReport):
        report_make(turn=turn, **form.cleaned_data)
    return _turn_again(request, turn)


@sign_in_required
@require_POST
def take_back(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    turn = own_turn(request, turn_id)
    report_take_back(turn=turn)
    return _turn_again(request, turn)


def _report_again(request: HtmxRequest, turn: Turn, form: ReportForm) -> HttpResponse:
    """The form with what was typed and why it was not taken, in its place on the page."""
    if request.htmx:
        shown = replace(turn_shown(turn), report_form=form)
        place = {"HX-Retarget": f"#turn-{turn.pk}", "HX-Reswap": "outerHTML"}
        return HttpResponse(partial("turn", request, shown=shown), status=422, headers=place)
    turns = turns_page(turn.conversation, {"at": str(turn.pk)})
    page = conversation_page(person_of(request), turn.conversation, turns)
    page["turns"] = [
        replace(shown, report_form=form) if shown.turn == turn else shown for shown in page["turns"]
    ]
    return render(request, "chat/conversation.html", page, status=422)


def _turn_again(request: HtmxRequest, turn: Turn) -> HttpResponse:
    if request.htmx:
        return HttpResponse(partial("turn", request, shown=turn_shown(turn)))
    return _turn_on_its_page(turn)


def _turn_on_its_page(turn: Turn) -> HttpResponse:
    return redirect(turn_address(turn))
