"""How a new turn helps with homework: reads the state of its conversation, and sets the fields of its row (ADR 68)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from chat.asking.asker import Asker
from chat.errors import FollowUpNotOffered
from chat.memory.policies import MemoryRules
from chat.method.about_tutor import (
    AboutQuestion,
    TutorFacts,
    build_about_answer,
    find_about_question,
    get_about_version,
)
from chat.method.ladder import (
    NO_LADDER,
    Decision,
    LadderState,
    NotOffered,
    decide_follow_up,
    decide_message,
    leave_step,
)
from chat.method.reading import FollowUp, QuestionKind, tidy_question
from chat.model_choice import preview_route
from chat.models import Turn, TurnState
from guard import Category, Level, Verdict

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


def answer_about_tutor(turn: Turn, asked: AboutQuestion, asker: Asker) -> None:
    """Answer a turn about the tutor with a fixed text that is true for its asker now."""
    model = preview_route(asker.person, asker.gate).model
    rules = MemoryRules(
        plan=asker.plan,
        terms=asker.gate.terms,
        wants_spanning_notes=asker.wants_spanning_notes,
        conversation=turn.conversation,
    )
    facts = TutorFacts(
        model=model.model_name if model else "",
        host="" if model is None or model.is_local else model.host,
        prompt_profile=model.prompt_profile if model else "",
        memory_policy=rules.policy,
        has_spanning_notes=rules.has_spanning_notes,
    )
    turn.state, turn.ended_at, turn.language = TurnState.ANSWERED, timezone.now(), asked.language
    turn.answer, turn.site_text = build_about_answer(asked, facts), get_about_version(asked)
