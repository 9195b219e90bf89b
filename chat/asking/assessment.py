"""Judges a question, decides how it is helped with, and finds its passages, before any row is locked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chat.errors import FollowUpNotOffered, PersonalDataFound
from chat.method.ladder import (
    NO_LADDER,
    Decision,
    LadderState,
    NotOffered,
    decide_follow_up,
    decide_message,
    leave_step,
)
from chat.method.reading import AboutQuestion, FollowUp, QuestionKind, find_about_question, tidy_question
from chat.models import MAX_QUESTION_LENGTH, Turn, TurnState
from chat.selectors import find_question_passages, get_turn_passages, list_continued_turns
from chat.turns.verdicts import FIXED_STATES, judge_question, redact_or_ask
from courses.retrieval.search import FoundPassage
from guard import Action, Category, Level, Verdict, action_for
from kit.languages import get_page_language

# A card, a pause or a refusal is no step: the state is that of the answer before it.
ANSWERED_STATES = {TurnState.ANSWERED, TurnState.STOPPED, TurnState.FAILED, TurnState.CUT}
# What the guard may have read into a plain question about the tutor.
MISREAD_CATEGORIES = {Category.INJECTION, Category.COMPANION}
LEVEL_NAMES = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)[ -]?grader?|grade \d{1,2}|year \d{1,2}|freshman|sophomore|junior year|senior year"
    r"|middle school|high school|\d{1,2}\w{0,2} (?:grado|de secundaria|de primaria|eso|semestre)|secundaria|prepa\w*"
    r"|primaria|bachillerato)\b"
)
# What belongs to the question, and so to its retry.
QUESTION_FIELDS = ("kind", "step", "hints", "has_attempt", "follow_up", "about_id", "task_id", "asks_level")
# What the rest of an answer shares with its beginning.
CONTINUED_FIELDS = ("step", "hints", "has_attempt")


@dataclass(frozen=True)
class TurnMethod:
    """What is decided about a question before its turn exists. `about` is the turn that a follow-up refers to."""

    decision: Decision
    about: Turn | None = None
    task: Turn | None = None
    asks_level: bool = False


@dataclass(frozen=True, kw_only=True)
class QuestionAssessment:
    """What is known about a question before any row is locked."""

    verdict: Verdict
    action: Action
    # The text for the model, without the personal data that the asker wants removed.
    question: str
    # Raised later, unless the question is rejected for another reason: the asker must decide about personal data.
    personal_data_error: PersonalDataFound | None = None
    passages: Sequence[FoundPassage] = ()
    # The turns whose answer this question continues, oldest first.
    continued: Sequence[Turn] = ()
    # How it is helped with; None for a retry, which asks the same, and for the rest of an answer.
    method: TurnMethod | None = None
    # What it asks about the tutor itself, if it asks nothing else.
    about_tutor: AboutQuestion | None = None


def assess_question(
    question: str,
    earlier_turns: Sequence[Turn],
    *,
    remembered: Sequence[Turn],
    leaves_site: bool,
    personal_data_choice: str = "",
    continues: Turn | None = None,
    retry_of: Turn | None = None,
    follow_up: FollowUp = FollowUp.NONE,
    about: Turn | None = None,
    quiz_passages: Sequence[FoundPassage] = (),
) -> QuestionAssessment:
    """Judge a question and find the passages for its answer. Writes nothing.

    It is judged together with all `earlier_turns`; a follow-up refers only to those in `remembered`. `leaves_site` says
    whether an outside company may read the question; if so, the asker decides what happens to personal data in it.
    """
    verdict = judge_question(question, earlier_turns)
    if asked := None if about else find_about_tutor(question, verdict):
        verdict = replace(verdict, categories=frozenset(), evidence=())
        return QuestionAssessment(verdict=verdict, action=Action.ANSWER, question=question, about_tutor=asked)
    action = action_for(verdict)
    if action in FIXED_STATES or len(question) > MAX_QUESTION_LENGTH:
        return QuestionAssessment(verdict=verdict, action=action, question=question)
    try:
        question = redact_or_ask(question, verdict, personal_data_choice, leaves_site=leaves_site)
    except PersonalDataFound as error:
        return QuestionAssessment(
            verdict=verdict, action=action, question=question, personal_data_error=error
        )
    continued = list_continued_turns(continues)
    method = None
    if quiz_passages:
        method = TurnMethod(Decision(QuestionKind.OTHER, follow_up=FollowUp.QUIZ))
    elif not (retry_of or continues):
        method = decide_method(question, verdict, remembered, follow_up=follow_up, about=about)
        about = method.about
    elif retry_of:
        about = find_quiz_subject(retry_of)
    passages = quiz_passages or find_passages(question, remembered, continued or ([about] if about else ()))
    return QuestionAssessment(
        verdict=verdict,
        action=action,
        question=question,
        passages=passages,
        continued=continued,
        method=method,
    )


def find_quiz_subject(retry_of: Turn) -> Turn | None:
    """Return the turn whose passages a retry has: the one that the failed turn is about, or itself for a quiz."""
    return retry_of.about or (retry_of if retry_of.asks_for_quiz else None)


def find_passages(
    question: str, remembered: Sequence[Turn], continued: Sequence[Turn], *, language: str | None = None
) -> list[FoundPassage]:
    """Return the passages for an answer. A continuation or follow-up has those of the answer that it is about."""
    if continued:
        return get_turn_passages(continued[-1], language=language or get_page_language())
    return find_question_passages(question, remembered=remembered, language=language)


# --- How it is helped with (ADR 68) ---


def decide_method(
    question: str, verdict: Verdict, remembered: Sequence[Turn], *, follow_up: FollowUp, about: Turn | None
) -> TurnMethod:
    """Decide how a question is helped with. `about` is the turn whose button was pressed, if one was.

    Raises FollowUpNotOffered for a button that the state does not offer.
    """
    latest = about or next((turn for turn in reversed(remembered) if turn.state in ANSWERED_STATES), None)
    before = latest.ladder if latest else NO_LADDER
    task = find_task(latest, remembered)
    if about:
        try:
            decision = decide_follow_up(
                follow_up, question, before=before, task=task.question if task else ""
            )
        except NotOffered as error:
            raise FollowUpNotOffered from error
        return TurnMethod(decision, about, task)
    if Category.IDENTITY in verdict.categories:
        return TurnMethod(Decision(QuestionKind.OTHER, leave_step(before)), task=task)
    decision = decide_message(
        question,
        before=before,
        task=task.question if task else "",
        has_answer=latest is not None and bool(latest.answer),
    )
    if decision.starts_task:
        is_first = not any(turn.step for turn in remembered)
        says_level = any(
            LEVEL_NAMES.search(tidy_question(text)) for text in _list_texts(question, remembered)
        )
        return TurnMethod(decision, asks_level=is_first and not says_level)
    return TurnMethod(decision, latest if decision.follow_up else None, task)


def find_task(turn: Turn | None, remembered: Sequence[Turn]) -> Turn | None:
    """Return the turn that asked the task which is open after `turn`, if it is remembered."""
    if turn is None or not turn.ladder.is_open:
        return None
    wanted = turn.task_id or turn.pk
    return next((earlier for earlier in (*remembered, turn) if earlier.pk == wanted), None)


def _list_texts(question: str, remembered: Sequence[Turn]) -> list[str]:
    return [question, *(turn.question for turn in remembered)]


def set_method_fields(
    turn: Turn, method: TurnMethod | None, *, retry_of: Turn | None, continues: Turn | None
) -> None:
    """Set what a new turn's row knows of the method. A retry asks the same; the rest of an answer is the same step."""
    if retry_of:
        for name in QUESTION_FIELDS:
            setattr(turn, name, getattr(retry_of, name))
    elif continues:
        for name in CONTINUED_FIELDS:
            setattr(turn, name, getattr(continues, name))
        turn.task_id = continues.task_id or (continues.pk if continues.ladder.is_open else None)
    elif method:
        state: LadderState = method.decision.state
        turn.kind, turn.follow_up = method.decision.kind, method.decision.follow_up
        turn.step, turn.hints, turn.has_attempt = state.step, state.hints, state.has_attempt
        turn.about, turn.task, turn.asks_level = method.about, method.task, method.asks_level


def find_about_tutor(question: str, verdict: Verdict) -> AboutQuestion | None:
    """Return what a question asks about the tutor, unless the guard has found more in it than such a question has."""
    if verdict.level > Level.NONE or verdict.categories - MISREAD_CATEGORIES:
        return None
    return find_about_question(question)
