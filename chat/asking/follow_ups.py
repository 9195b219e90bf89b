"""Follow-ups: what a learner asks of an answer with a button under it, and the answers to a practice quiz.

A follow-up is a turn like any other: it is judged, costs as one, and its id makes posting it twice ask once.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from accounts.models import Person
from chat.asking.services import StartedTurn, start_turn, start_turn_from_page
from chat.errors import FollowUpNotOffered
from chat.method.ladder import list_offered, list_possible
from chat.method.quizzes import check_choices, load_quiz
from chat.method.reading import FollowUp
from chat.models import Turn, TurnState
from guard import Category


class NothingToCheck(Exception):
    """The turn has no quiz."""


def ask_follow_up(
    *,
    person: Person,
    about: Turn,
    follow_up: FollowUp,
    turn_id: UUID,
    text: str = "",
    is_from_page: bool = False,
    **options: Any,
) -> StartedTurn:
    """Ask for something about the answer of the turn `about`. `text` is the learner's step, for CHECK alone.

    A page's form may send the id of an earlier turn (start_turn_from_page). Raises FollowUpNotOffered, and the errors
    of `start_turn`.
    """
    start = start_turn_from_page if is_from_page else start_turn
    return start(
        person=person,
        turn_id=turn_id,
        question=_build_question(about, follow_up, text),
        conversation=about.conversation,
        follow_up=follow_up,
        about=about,
        **options,
    )


def _build_question(about: Turn, follow_up: FollowUp, text: str) -> str:
    """Return the question that a follow-up asks, in the language of the page."""
    if not allows_follow_ups(about) or follow_up not in list_possible(about.ladder):
        # Text that was sent with it is judged all the same: it may be a cry for help.
        if follow_up is FollowUp.CHECK and text.strip():
            return text
        raise FollowUpNotOffered
    if follow_up is FollowUp.CHECK:
        return text
    return {
        FollowUp.HINT: _format_hint_request(about),
        FollowUp.WHOLE: gettext("Show me the whole way."),
        FollowUp.DIFFERENTLY: gettext("Explain it differently, please."),
        FollowUp.SIMPLER: gettext("Say it in simpler words, please."),
        FollowUp.QUIZ: gettext("Quiz me on this."),
    }[follow_up]


def _format_hint_request(about: Turn) -> str:
    return [
        gettext("Give me a hint."),
        gettext("Give me a bigger hint."),
        gettext("Show me a similar example."),
        gettext("Show me another example."),
    ][about.hints]


def allows_follow_ups(turn: Turn) -> bool:
    """Return whether an answer may be followed up: what a model wrote about a task or a direct question."""
    is_answer = (
        turn.state == TurnState.ANSWERED and bool(turn.answer) and not turn.site_text and not turn.quiz
    )
    if not is_answer or Category.IDENTITY in turn.categories:
        return False
    return turn.ladder.is_open or bool(turn.follow_up) or turn.kind in {"homework", "direct"}


def list_follow_ups(turn: Turn) -> list[FollowUp]:
    """Return the follow-ups that have a button under a turn's answer."""
    return list_offered(turn.ladder) if allows_follow_ups(turn) else []


def answer_quiz(*, turn: Turn, choices: Iterable[str]) -> Turn:
    """Store which options were chosen in a turn's quiz. Choosing again replaces them. Raises NothingToCheck."""
    if not turn.quiz:
        raise NothingToCheck
    turn.quiz_choices = check_choices(load_quiz(turn.quiz), choices)
    turn.save(update_fields=["quiz_choices"])
    return turn
