from accounts.models import Person
from accounts.throttle import Throttle
from guard import judge_input

questions = Throttle("questions", "12/minute;200/hour")


def question_count(person: Person, question: str) -> None:
    """Count one more question. Raises TooOften; somebody in a crisis is never told to slow down."""
    if not judge_input(question).is_crisis:
        questions.hit(person.pk)
