from accounts.models import Person
from accounts.throttle import Throttle, TooOften
from chat.acts import FIRST
from chat.judging import verdict_for
from guard import action_for

questions = Throttle("questions", "12/minute;200/hour")
reports = Throttle("reports", "10/minute;60/hour")


def question_count(person: Person, question: str) -> None:
    """Count one more question. Raises TooOften; somebody who may be in danger is never told to slow down."""
    try:
        questions.hit(person.pk)
    except TooOften:
        if action_for(verdict_for(question, ())) not in FIRST:
            raise
