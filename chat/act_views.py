"""What somebody answers to a pause, and what they say against a turn."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import sign_in_required
from accounts.free_text import reads_free_text
from chat.history import turn_address
from chat.models import Turn
from chat.pages import turn_shown
from chat.pauses import question_answer
from chat.reports import NothingToReport, report_make, report_take_back
from chat.swaps import partial
from chat.throttles import reports
from chat.views import HtmxRequest, own_turn, person_of


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
    reports.hit(person_of(request).pk)
    said = {name: request.POST.get(name, "") for name in ("reason", "words")}
    try:
        report_make(turn=turn, shared="shared" in request.POST, **said)
    except NothingToReport as fault:
        raise Http404 from fault
    return _turn_again(request, turn)


@sign_in_required
@require_POST
def take_back(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    turn = own_turn(request, turn_id)
    report_take_back(turn=turn)
    return _turn_again(request, turn)


def _turn_again(request: HtmxRequest, turn: Turn) -> HttpResponse:
    if request.htmx:
        return HttpResponse(partial("turn", request, shown=turn_shown(turn)))
    return _turn_on_its_page(turn)


def _turn_on_its_page(turn: Turn) -> HttpResponse:
    return redirect(turn_address(turn))
