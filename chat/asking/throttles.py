from accounts.models import Person
from accounts.throttle import Throttle, TooOften
from chat.models import Conversation
from chat.selectors import turns_shown
from chat.turns.verdicts import FIRST, verdict_for
from guard import action_for

questions = Throttle("questions", "12/minute;200/hour")
reports = Throttle("reports", "10/minute;60/hour")
searches = Throttle("chat-searches", "30/minute;300/hour")


def question_count(person: Person, question: str, conversation: Conversation | None = None) -> None:
    """Count one more question, asked in `conversation`.

    Raises TooOften; somebody who may be in danger, by this or by all that they wrote there, is never told to slow down.
    """
    try:
        questions.hit(person.pk)
    except TooOften:
        past = turns_shown(conversation) if conversation else ()
        if action_for(verdict_for(question, past)) not in FIRST:
            raise
