"""Judges a question, decides how it is helped with, and finds its passages, before any row is locked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chat.asking.method import TurnMethod, decide_method, find_about_tutor
from chat.errors import PersonalDataFound
from chat.method.about_tutor import AboutQuestion
from chat.method.reading import FollowUp
from chat.models import MAX_QUESTION_LENGTH, Turn
from chat.selectors import find_question_passages, get_turn_passages, list_continued_turns
from chat.turns.verdicts import FIXED_STATES, judge_question, redact_or_ask
from courses.retrieval.search import FoundPassage
from guard import Action, Verdict, action_for
from kit.languages import get_page_language


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
    if not (retry_of or continues):
        method = decide_method(question, verdict, remembered, follow_up=follow_up, about=about)
        about = method.about
    elif retry_of:
        about = retry_of.about
    passages = find_passages(question, remembered, continued or ([about] if about else ()))
    return QuestionAssessment(
        verdict=verdict,
        action=action,
        question=question,
        passages=passages,
        continued=continued,
        method=method,
    )


def find_passages(
    question: str, remembered: Sequence[Turn], continued: Sequence[Turn], *, language: str | None = None
) -> list[FoundPassage]:
    """Return the passages for an answer. A continuation or follow-up has those of the answer that it is about."""
    if continued:
        return get_turn_passages(continued[-1], language=language or get_page_language())
    return find_question_passages(question, remembered=remembered, language=language)
