"""Ends a turn that asked for a quiz: the model's own, or one of this site where a model cannot write one (ADR 68)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from django.utils import translation
from django.utils.translation import gettext

from chat.method.quizzes import (
    PracticeQuestion,
    PracticeQuiz,
    QuizOption,
    QuizSource,
    parse_quiz,
)
from chat.models import EndReason, Turn, TurnState
from chat.turns.outcomes import Outcome
from courses.retrieval.search import list_lesson_passages
from courses.selectors import PlainQuestion, list_plain_questions

LESSON_QUESTIONS = 3
# Of a lesson's question at least so many words must be in what was talked about.
MIN_SHARED_WORDS = 3
_WORD = re.compile(r"\w{4,}")
_MAX_TOPIC_LENGTH = 160


def add_quiz(turn: Turn, outcome: Outcome) -> Outcome:
    """Return the outcome of a turn that asked for a quiz, with the quiz and without the model's raw text.

    If the model wrote none, the lesson's quiz that fits takes its place, or else an open question. The site pays for
    what the model wrote then, because no one sees it. A turn that was cut or got a card stays as it is.
    """
    if outcome.state not in {TurnState.ANSWERED, TurnState.STOPPED}:
        is_empty = outcome.state == TurnState.FAILED
        return replace(outcome, answer="") if is_empty else outcome
    module = turn.passages[0].split("/")[0] if turn.passages else ""
    if quiz := parse_quiz(outcome.answer, seed=turn.pk, module=module):
        return replace(outcome, answer=quiz.text, quiz=quiz.dump())
    if outcome.state == TurnState.STOPPED:
        return replace(outcome, answer="")
    with translation.override(turn.language):
        quiz = _find_lesson_quiz(turn, module) or _build_open_quiz(turn)
    return replace(
        outcome, answer=quiz.text, quiz=quiz.dump(), end_reason=EndReason.NONE, is_unused=True, notes=()
    )


def _find_lesson_quiz(turn: Turn, module: str) -> PracticeQuiz | None:
    """Return the questions of the cited module that fit what was talked about, or the lesson, best; None for none."""
    if not module:
        return None
    talked = _list_words(_read_lesson(turn) if turn.is_lesson_quiz else _get_topic(turn))
    fitting = [
        (shared, question)
        for question in list_plain_questions(module)
        if (shared := len(_list_words(_read_text(question)) & talked)) >= MIN_SHARED_WORDS
    ]
    best = sorted(fitting, key=lambda found: -found[0])[:LESSON_QUESTIONS]
    questions = [_build_question(question) for _shared, question in best]
    return PracticeQuiz(QuizSource.LESSON, tuple(questions), module) if questions else None


def _build_question(question: PlainQuestion) -> PracticeQuestion:
    options = [QuizOption(option.text, option.is_right, option.explanation) for option in question.options]
    return PracticeQuestion(question.text, tuple(options))


def _build_open_quiz(turn: Turn) -> PracticeQuiz:
    """Return a question that needs no model: say it in one's own words, compare, and say how it went."""
    about = (turn.task or turn.about or turn).question
    topic = about if len(about) <= _MAX_TOPIC_LENGTH else f"{about[:_MAX_TOPIC_LENGTH].rsplit(' ', 1)[0]}…"
    text = gettext(
        "Without looking: how would you explain this to a friend? Say it aloud or write it down, then compare it with "
        "the answers above. “%(topic)s”"
    )
    options = (
        QuizOption(
            gettext("I could explain all of it"),
            why=gettext("Good. In a day or two, try once more without looking: that is when it stays."),
        ),
        QuizOption(
            gettext("I could explain a part"),
            why=gettext(
                "Read the part that was missing, close it, and say that part once more in your own words."
            ),
        ),
        QuizOption(
            gettext("Not yet"),
            why=gettext(
                "That is worth knowing. Ask for it “simpler” or “differently” above, and then try again."
            ),
        ),
    )
    return PracticeQuiz(QuizSource.OPEN, (PracticeQuestion(text % {"topic": topic}, options),))


def _read_lesson(turn: Turn) -> str:
    """Return the text of the whole lesson that a quiz is on, not only of the sections that the model gets."""
    module, _slash, lesson = turn.passages[0].partition("#")[0].partition("/")
    return " ".join(passage.text for passage in list_lesson_passages(module, lesson))


def _get_topic(turn: Turn) -> str:
    talked: Sequence[Turn] = [earlier for earlier in (turn.task, turn.about) if earlier]
    return " ".join(f"{earlier.question} {earlier.answer}" for earlier in talked)


def _read_text(question: PlainQuestion) -> str:
    return " ".join([question.text, *(option.text for option in question.options)])


def _list_words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
