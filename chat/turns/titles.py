"""What a conversation is called in the list: its first question, unless others should not read that at a glance."""

from django.utils import translation
from django.utils.translation import gettext as _

from chat.models import LONGEST_TITLE, Conversation, Turn


def title_from(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"


def plain_title() -> str:
    return _("A conversation")


def name_plainly(turn: Turn) -> None:
    """Take the question back out of the conversation's name. A name that its owner gave meanwhile stays."""
    with translation.override(turn.language):
        title = plain_title()
    Conversation.objects.filter(pk=turn.conversation_id, title=title_from(turn.question)).update(title=title)
