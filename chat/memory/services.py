"""What people do with the tutor's memory: change and delete notes, forget a conversation, turn memory on and off."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from chat.errors import NoteRejected, NoteTooLong, SpanningNotAgreed
from chat.memory.notes import MAX_NOTE_LENGTH, has_personal_detail
from chat.models import Conversation, MemoryChoice, Note
from families.gate import get_tutor_gate
from guard import Level, judge_conversation
from inference.tokens import estimate_max_tokens
from kit.rate_limits import RateLimit
from kit.texts import normalize_line

# Each edit is judged by the guard.
note_rate_limit = RateLimit("notes", "20/minute;120/hour")


@transaction.atomic
def edit_note(*, note: Note, text: str) -> None:
    """Change what a note says. An empty text deletes it.

    Raises NoteTooLong, or NoteRejected if the text has a personal detail or anything that the guard finds.
    """
    text = normalize_line(text)
    if len(text) > MAX_NOTE_LENGTH:
        raise NoteTooLong(len(text))
    if not text:
        delete_note(note=note)
        return
    verdict = judge_conversation([("user", text)])
    if has_personal_detail(text) or verdict.level != Level.NONE or verdict.categories:
        raise NoteRejected
    # The row may be gone: forgotten in another tab.
    Note.objects.filter(pk=note.pk).update(
        text=text, tokens=estimate_max_tokens(text), edited_at=timezone.now()
    )


@transaction.atomic
def delete_note(*, note: Note) -> None:
    """Delete a note. No prompt carries it again."""
    Note.objects.filter(pk=note.pk).delete()


@transaction.atomic
def forget_conversation(*, conversation: Conversation) -> None:
    """Have the tutor forget a conversation so far. It stays readable; no prompt carries anything of it."""
    conversation.remembered_since = timezone.now()
    # The row may be gone: deleted in another tab.
    Conversation.objects.filter(pk=conversation.pk).update(remembered_since=conversation.remembered_since)
    Note.objects.filter(conversation=conversation.pk).delete()


@transaction.atomic
def set_conversation_memory(*, conversation: Conversation, is_on: bool) -> None:
    """Turn the memory of a conversation on or off. Turned off, it is forgotten so far and takes no more notes."""
    Conversation.objects.filter(pk=conversation.pk).update(has_memory=is_on)
    conversation.has_memory = is_on
    if not is_on:
        forget_conversation(conversation=conversation)


@transaction.atomic
def set_spanning_notes(*, person: Person, is_on: bool) -> None:
    """Choose whether notes last from one conversation to the next. The choice can be taken back in any case.

    Raises SpanningNotAgreed if the family's agreement does not allow it.
    """
    if is_on:
        if not get_tutor_gate(person).terms.allows_spanning_notes:
            raise SpanningNotAgreed
        MemoryChoice.objects.get_or_create(owner=person)
    else:
        MemoryChoice.objects.filter(owner=person).delete()
