"""The pages of what the tutor remembers of a conversation, where its owner changes and deletes it or turns it off."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import get_person, page_of_its_form, sign_in_required
from chat.errors import NoteRejected, NoteTooLong, SpanningNotAgreed
from chat.memory import services
from chat.memory.notes import MAX_NOTE_LENGTH
from chat.memory.overview import MemoryOverview, build_memory_overview
from chat.memory.policies import MemoryLimit
from chat.models import Conversation, Note
from chat.web.views import get_own_conversation
from kit.free_text import free_text_fields
from kit.memory_policy import NOTING_POLICIES, MemoryPolicy
from kit.rate_limits import RateLimited, format_rate_limited, mark_rate_limited
from kit.texts import format_length_error

EXCERPT_LENGTH = 160


@dataclass(frozen=True)
class MemoryPage:
    """What the next prompt would carry of a conversation, and what its owner may choose."""

    conversation: Conversation
    overview: MemoryOverview
    can_have_spanning_notes: bool
    # Why nothing is remembered; "" if something may be.
    off_reason: str

    @property
    def max_note_length(self) -> int:
        return MAX_NOTE_LENGTH

    @property
    def own_notes(self) -> list[Note]:
        return [note for note in self.overview.notes if not note.is_from_other_conversation]

    @property
    def spanning_notes(self) -> list[Note]:
        return [note for note in self.overview.notes if note.is_from_other_conversation]

    @property
    def can_forget(self) -> bool:
        """Whether there is anything of this conversation to forget."""
        overview = self.overview
        return bool(self.own_notes or overview.waiting or overview.unused or overview.turns)

    @property
    def is_empty(self) -> bool:
        return not (self.can_forget or self.spanning_notes)


@dataclass(frozen=True, kw_only=True)
class RejectedNote:
    """What was typed in a note's field and not saved."""

    note_id: str
    text: str
    reason: str


def build_memory_page(conversation: Conversation) -> MemoryPage:
    """Build what the page shows to the conversation's owner."""
    overview = build_memory_overview(conversation.owner, conversation)
    return MemoryPage(
        conversation=conversation,
        overview=overview,
        can_have_spanning_notes=overview.allows_spanning_notes and overview.allowed in NOTING_POLICIES,
        off_reason="" if overview.allowed != MemoryPolicy.NONE else _find_off_reason(overview.limits),
    )


def _find_off_reason(limits: Sequence[MemoryLimit]) -> str:
    if MemoryLimit.FAMILY in limits:
        return _("Your family agreed that the tutor doesn’t remember earlier questions.")
    return _("On your plan the tutor doesn’t remember earlier questions.")


@sign_in_required
@require_http_methods(["GET", "POST"])
@page_of_its_form
@free_text_fields("text")
def memory(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show what the tutor remembers of a conversation, and do what its owner chose there."""
    conversation = get_own_conversation(request, conversation_id)
    if request.method == "GET":
        return _render_memory(request, conversation)
    run = COMMANDS.get(request.POST.get("command", ""))
    if run is None:
        return redirect("chat:memory", conversation.pk)
    try:
        messages.success(request, run(request, conversation))
    except NoteRejected:
        return _render_rejected(
            request,
            conversation,
            _(
                "The tutor doesn’t remember names, places, feelings or other personal details. "
                "Say it without them."
            ),
        )
    except NoteTooLong as error:
        return _render_rejected(request, conversation, format_length_error(error.length, MAX_NOTE_LENGTH))
    except RateLimited as error:
        return mark_rate_limited(_render_rejected(request, conversation, format_rate_limited(error)), error)
    return redirect("chat:memory", conversation.pk)


@sign_in_required
@require_http_methods(["GET", "POST"])
@page_of_its_form
def forget(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Forget a conversation so far, or turn its memory off as well, after a page that asks for confirmation."""
    conversation = get_own_conversation(request, conversation_id)
    if request.method == "GET":
        return render(request, "chat/forget.html", {"conversation": conversation})
    if request.POST.get("turn_off"):
        services.set_conversation_memory(conversation=conversation, is_on=False)
        messages.success(request, _("The tutor no longer remembers this conversation."))
    else:
        services.forget_conversation(conversation=conversation)
        messages.success(
            request, _("The tutor has forgotten this conversation so far. You can still read it.")
        )
    return redirect("chat:memory", conversation.pk)


def _render_rejected(request: HttpRequest, conversation: Conversation, reason: str) -> HttpResponse:
    """Show the page with the text that was not saved, and why."""
    rejected = RejectedNote(
        note_id=request.POST.get("note", ""),
        text=request.POST.get("text", ""),
        reason=reason,
    )
    response = _render_memory(request, conversation, rejected=rejected)
    response.status_code = 422
    return response


def _render_memory(
    request: HttpRequest, conversation: Conversation, *, rejected: RejectedNote | None = None
) -> HttpResponse:
    # The owner as the request has them needs no query.
    conversation.owner = get_person(request)
    page = build_memory_page(conversation)
    context = {"page": page, "rejected": rejected, "excerpt_length": EXCERPT_LENGTH}
    return render(request, "chat/memory.html", context)


def _find_note(request: HttpRequest, conversation: Conversation) -> Note | None:
    """Return the note that a form names; None if it is gone or not of this conversation."""
    try:
        return conversation.notes.filter(pk=UUID(request.POST.get("note", ""))).first()
    except ValueError:
        return None


def _save_note(request: HttpRequest, conversation: Conversation) -> str:
    note = _find_note(request, conversation)
    if note is None:
        return _("This note was already forgotten.")
    services.note_rate_limit.hit(get_person(request).pk)
    services.edit_note(note=note, text=request.POST.get("text", ""))
    return _("The note is saved.")


def _forget_note(request: HttpRequest, conversation: Conversation) -> str:
    if note := _find_note(request, conversation):
        services.delete_note(note=note)
    return _("The note is forgotten.")


def _turn_on(_request: HttpRequest, conversation: Conversation) -> str:
    services.set_conversation_memory(conversation=conversation, is_on=True)
    return _("The tutor remembers this conversation from now on.")


def _share_notes(request: HttpRequest, _conversation: Conversation) -> str:
    try:
        services.set_spanning_notes(person=get_person(request), is_on=True)
    except SpanningNotAgreed:
        return _("Your family’s agreement doesn’t allow this.")
    return _("New conversations will use your notes.")


def _stop_sharing_notes(request: HttpRequest, _conversation: Conversation) -> str:
    services.set_spanning_notes(person=get_person(request), is_on=False)
    return _("Each conversation keeps to its own notes.")


# What the forms of the page do, by the value of their button. Each returns the sentence that says what was done.
# A field named "action" would hide a form's own attribute of that name from scripts.
COMMANDS: dict[str, Callable[[HttpRequest, Conversation], str]] = {
    "save": _save_note,
    "forget-note": _forget_note,
    "on": _turn_on,
    "share": _share_notes,
    "stop-sharing": _stop_sharing_notes,
}
