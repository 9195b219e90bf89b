"""What a learner does with an answer: retry it, ask for the rest, follow it up, and answer its practice quiz.

A quiz may also be asked for on a lesson, without an answer before it. All but the answers to a quiz are turns like any
other: they are judged, cost as one, and their id makes posting one twice ask once.
"""

import random
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext

from accounts.models import Person
from chat.asking.services import StartedTurn, start_turn, start_turn_from_page
from chat.errors import FollowUpNotOffered, TurnIdTaken
from chat.method.ladder import list_possible
from chat.method.quizzes import check_choices, load_quiz
from chat.method.reading import FollowUp
from chat.models import RETRYABLE_STATES, Turn
from chat.selectors import can_continue, can_follow_up, find_continuation, get_current_turn
from chat.turns.verdicts import PersonalDataChoice
from courses.retrieval.search import FoundPassage, list_lesson_passages

# More sections would be cut to a sentence each in a prompt.
QUIZ_SECTIONS = 3


class NoSuchLesson(Exception):
    """There is no lesson with these slugs, or it has no text to ask about."""


class NothingToCheck(Exception):
    """The turn has no quiz."""


def retry_turn(*, person: Person, failed: Turn, turn_id: UUID, wait_for_model: bool = False) -> StartedTurn:
    """Ask the question of a failed or stopped turn again. The failed turn stays until a better retry has ended.

    Two simultaneous retries start one turn. If the turn is being retried or was replaced, the other turn is returned. A
    turn in any other state is returned unchanged: an answer must not replace a card. Raises the errors of `start_turn`.
    """
    current = get_current_turn(failed)
    if current != failed or failed.state not in RETRYABLE_STATES or failed.is_reworded:
        return StartedTurn(current, is_new=False)
    return start_turn(
        person=person,
        turn_id=turn_id,
        question=failed.question,
        conversation=failed.conversation,
        retry_of=failed,
        continues=failed.continues,
        # The asker agreed to any personal data when the question was first sent.
        personal_data_choice=PersonalDataChoice.KEEP,
        wait_for_model=wait_for_model,
        # The page said that the question stays on this site, so the asker was not asked about personal data.
        local_only=failed.local_only,
    )


def continue_turn(*, person: Person, turn: Turn, turn_id: UUID) -> StartedTurn:
    """Ask for the rest of an unfinished answer in a new turn, which passes the same checks as any question.

    A second call returns the same continuation. A turn without an unfinished answer is returned unchanged. Raises the
    errors of `start_turn`.
    """
    following = find_continuation(turn)
    if following or not can_continue(turn):
        return StartedTurn(following or turn, is_new=False)
    started = start_turn(
        person=person,
        turn_id=turn_id,
        question=gettext("Go on."),
        conversation=turn.conversation,
        continues=turn,
    )
    if started.turn.continues_id != turn.pk:
        # The id belongs to a turn that continues another answer.
        raise TurnIdTaken(is_own=True)
    return started


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
    if not can_follow_up(about) or follow_up not in list_possible(about.ladder):
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


def answer_quiz(*, turn: Turn, choices: Iterable[str]) -> Turn:
    """Store which options were chosen in a turn's quiz. Choosing again replaces them. Raises NothingToCheck."""
    if not turn.quiz:
        raise NothingToCheck
    turn.quiz_choices = check_choices(load_quiz(turn.quiz), choices)
    turn.save(update_fields=["quiz_choices"])
    return turn


def ask_lesson_quiz(
    *, person: Person, module: str, lesson: str, turn_id: UUID, **options: Any
) -> StartedTurn:
    """Ask for a quiz on a lesson, by the slugs. Raises NoSuchLesson, and the errors of `start_turn`."""
    passages = list_lesson_passages(module, lesson)
    if not passages:
        raise NoSuchLesson
    return start_turn_from_page(
        person=person,
        turn_id=turn_id,
        question=gettext("Quiz me on the lesson “%(title)s”.") % {"title": passages[0].lesson},
        follow_up=FollowUp.QUIZ,
        quiz_passages=_choose_sections(passages, seed=turn_id),
        **options,
    )


def _choose_sections(passages: list[FoundPassage], *, seed: UUID) -> list[FoundPassage]:
    """Return some sections of the lesson in its order: others the next time, the same for the same turn."""
    order = random.Random(str(seed))  # noqa: S311 - only a choice of sections
    chosen = order.sample(range(len(passages)), min(QUIZ_SECTIONS, len(passages)))
    return [passages[number] for number in sorted(chosen)]
