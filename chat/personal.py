"""The data kinds of this room: conversations and reports."""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from chat.models import Conversation, MemoryChoice, Note, Report, Turn, TurnRoute
from chat.reports import REPORT_RETENTION, delete_expired_reports, list_reports
from chat.selectors import build_unsealed_filter, list_turns
from chat.services import CONVERSATION_RETENTION, delete_conversation, delete_expired_conversations
from privacy.registry import DataKind, Retention, Row, erased_by_cascade


def export_conversations(person: Person) -> Iterator[Row]:
    """Yield one row per turn, so that a long conversation needs no more memory than a short one."""
    turns = list_turns(person).select_related("conversation")
    for turn in turns.order_by("conversation__started_at", "conversation", "asked_at").iterator(
        chunk_size=200
    ):
        yield {
            "conversation": str(turn.conversation_id),
            "title": turn.conversation.title,
            "asked_at": turn.asked_at,
            "language": turn.language,
            "question": turn.question,
            "answer": turn.answer,
            "replaced": turn.replaced_by_id is not None,
            "outcome": " · ".join(filter(None, (turn.get_state_display(), turn.get_end_reason_display()))),
            "level": turn.level,
            "categories": turn.categories,
            "passages": turn.passages,
            "step": turn.step,
            "quiz": turn.quiz,
            "quiz_choices": turn.quiz_choices,
            "model": turn.model,
            "tokens": turn.tokens,
        }


def erase_conversations(person: Person) -> None:
    """Delete a person's conversations with their turns. Waits for a question that is being stored."""
    # Locking the conversations waits for a question that is being stored; afterwards no turn can be added.
    for conversation in Conversation.objects.select_for_update().filter(owner=person).order_by("pk"):
        delete_conversation(conversation=conversation)


CONVERSATIONS = DataKind(
    name="conversations",
    title=_("Conversations with the tutor"),
    description=_("Your questions and the tutor’s answers, so you can read them again."),
    retention=Retention(
        text=_(
            "Each conversation is deleted %(days)d days after its last question. You can delete it for good at "
            "any time."
        ),
        days=CONVERSATION_RETENTION.days,
        counted_from=_("its last question"),
        delete_expired=delete_expired_conversations,
        task="chat.tasks.delete_expired_conversations",
    ),
    visible_to=_(
        "A linked parent can see times and topics, and what was written only if you both agreed to it. You see "
        "each time they look. The people who check the tutor can see a turn that you report, only if you allow "
        "it. The people who run the server could access its database."
    ),
    erasure_removes=_("Your conversations with the tutor"),
    is_private=True,
    models=(Conversation, Turn, TurnRoute),
    labels={
        "conversation": _("conversation ID"),
        "title": _("conversation"),
        "asked_at": _("asked"),
        "language": _("language"),
        "question": _("question"),
        "answer": _("answer, as the model wrote it (Markdown, with math in LaTeX)"),
        "replaced": _("another turn is shown instead"),
        "outcome": _("how it ended"),
        "level": _("the guard’s level, 0 to 4 or S"),
        "categories": _("the guard’s categories"),
        "passages": _("lesson passages it cites"),
        "step": _("step of help with homework"),
        "quiz": _("practice quiz"),
        "quiz_choices": _("options you chose in it, counted from 0"),
        "model": _("model"),
        "tokens": _("tokens"),
    },
    export=export_conversations,
    erase=erase_conversations,
)


def export_reports(person: Person) -> Iterator[Row]:
    """Yield a person's reports, oldest first."""
    for report in list_reports(person).order_by("created_at").iterator():
        yield {
            "created_at": report.created_at,
            "question": report.turn.question,
            "reason": report.get_reason_display(),
            "comment": report.comment,
            "shared_at": report.shared_at,
        }


REPORTS = DataKind(
    name="reports",
    title=_("Your reports"),
    description=_(
        "Reports that an answer was bad, or that a card or a refusal misread you, so we can find out where the "
        "tutor is wrong. Your reason and comment are kept only if you let someone read them."
    ),
    retention=Retention(
        text=_(
            "A report is deleted after %(days)d days, or earlier with its conversation or when you withdraw it."
        ),
        days=REPORT_RETENTION.days,
        counted_from=_("the report"),
        delete_expired=delete_expired_reports,
        task="chat.tasks.delete_expired_reports",
    ),
    visible_to=_(
        "The people who check the tutor, without your name, and only what you allowed. Parents never see it."
    ),
    erasure_removes=_("Your reports"),
    erasure_keeps=_("The number of reports, with nothing that identifies you."),
    is_private=True,
    models=(Report,),
    labels={
        "created_at": _("reported"),
        "question": _("question"),
        "reason": _("reason"),
        "comment": _("your comment"),
        "shared_at": _("shared since"),
    },
    export=export_reports,
    # Reports are deleted with their conversations.
    erase=erased_by_cascade,
)


def export_memory(person: Person) -> Iterator[Row]:
    """Yield a person's notes, oldest first, and when they chose that notes last between conversations."""
    if choice := MemoryChoice.objects.filter(owner=person).first():
        yield {
            "conversation": "",
            "kind": "",
            "text": "",
            "created_at": None,
            "edited_at": None,
            "spans_since": choice.chosen_at,
        }
    notes = Note.objects.filter(
        build_unsealed_filter(person, "conversation__started_at"), conversation__owner=person
    )
    for note in notes.order_by("created_at", "pk").iterator():
        yield {
            "conversation": str(note.conversation_id),
            "kind": note.get_kind_display(),
            "text": note.text,
            "created_at": note.created_at,
            "edited_at": note.edited_at,
            "spans_since": None,
        }


MEMORY = DataKind(
    name="memory",
    title=_("What the tutor remembers"),
    description=_(
        "Sentences of your own that the tutor keeps as notes, so it doesn’t have to read a whole conversation again, "
        "and whether new conversations may use them. You can change and delete each note."
    ),
    retention=Retention(
        text=_("Notes are deleted with their conversation, or when you have the tutor forget them.")
    ),
    visible_to=_(
        "A linked parent can see whether the tutor remembers, and what the notes say only if you both agreed on the "
        "full view. The people who run the server could access its database."
    ),
    erasure_removes=_("What the tutor remembers"),
    is_private=True,
    models=(Note, MemoryChoice),
    labels={
        "conversation": _("conversation ID"),
        "kind": _("kind of note"),
        "text": _("note"),
        "created_at": _("noted"),
        "edited_at": _("changed"),
        "spans_since": _("used in new conversations since"),
    },
    export=export_memory,
    # Notes go with their conversations, and the choice with the account.
    erase=erased_by_cascade,
)
KINDS = (CONVERSATIONS, MEMORY, REPORTS)
