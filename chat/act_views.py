"""What somebody answers to a pause."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.pauses import question_answer
from chat.views import HtmxRequest, own_turn


@login_required
@require_POST
def answer(request: HtmxRequest, turn_id: UUID) -> HttpResponse:
    """The answer to what a pause asks. The whole page follows, as the composer goes by it."""
    turn = own_turn(request, turn_id)
    question_answer(turn=turn, is_yes=request.POST.get("answer") == "yes")
    return redirect(f"{reverse('chat:conversation', args=[turn.conversation_id])}#turn-{turn.pk}")
