"""One conversation on paper or in a text file, for its owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import get_person, sign_in_required
from chat.models import Conversation, TurnState
from chat.selectors import drop_duplicate_questions, list_shown_turns
from chat.web.views import HtmxRequest, get_own_conversation
from markup.markdown import render_answer, render_question

# Others may pick up a sheet of paper or open a file: a cry for help is not on it.
LEFT_OUT_STATES = {TurnState.CARDED, TurnState.PAUSED}


@dataclass(frozen=True, kw_only=True)
class PrintedTurn:
    """A question and its answer, "" if it has none."""

    question: str
    answer: str
    language: str

    @property
    def question_html(self) -> SafeString:
        return render_question(self.question)

    @property
    def answer_html(self) -> SafeString:
        return render_answer(self.answer) if self.answer else SafeString("")


@dataclass(frozen=True)
class PrintedConversation:
    """What goes on paper, oldest first, and whether turns with a help card or a check-in were left out."""

    turns: Sequence[PrintedTurn]
    left_out: bool


def build_printed_conversation(conversation: Conversation) -> PrintedConversation:
    """Return a conversation without turns that are live, were asked anew, or have a help card or a check-in."""
    turns = list(drop_duplicate_questions(list_shown_turns(conversation)))
    ended = [turn for turn in turns if not turn.is_live and not turn.is_reworded]
    kept = [turn for turn in ended if turn.state not in LEFT_OUT_STATES]
    return PrintedConversation(
        [PrintedTurn(question=turn.question, answer=turn.answer, language=turn.language) for turn in kept],
        left_out=len(kept) < len(ended),
    )


@sign_in_required
@require_safe
def printed(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Show a conversation as a page to print."""
    conversation = get_own_conversation(request, conversation_id)
    shown = build_printed_conversation(conversation)
    context = {
        "person": get_person(request),
        "conversation": conversation,
        "turns": shown.turns,
        "left_out": shown.left_out,
    }
    return render(request, "chat/printed.html", context)


@sign_in_required
@require_safe
def download(request: HtmxRequest, conversation_id: UUID) -> HttpResponse:
    """Send a conversation as a text file. Answers are in Markdown, as the model wrote them."""
    conversation = get_own_conversation(request, conversation_id)
    day = timezone.localtime(conversation.started_at, get_person(request).zone)
    return HttpResponse(
        build_text(conversation),
        content_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="kitchen-table-{day:%Y-%m-%d}.md"'},
    )


def build_text(conversation: Conversation) -> str:
    """Return a conversation as Markdown."""
    shown = build_printed_conversation(conversation)
    parts = [
        f"# {conversation.title}",
        _("From the tutor at Kitchen Table. The answers are by an AI, not a human, and can be wrong."),
    ]
    if shown.left_out:
        parts.append(_("Messages with a help card are left out."))
    for turn in shown.turns:
        parts += [f"## {_('Question')}", turn.question]
        if turn.answer:
            parts += [f"## {_('Answer')}", turn.answer]
    return "\n\n".join(parts) + "\n"
