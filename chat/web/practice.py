"""What a page shows of the method: the buttons under an answer, and a practice quiz with its checked answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from chat.method.ladder import HINT_STEPS, HelpStep, LadderState
from chat.method.quizzes import PracticeQuestion, QuizSource, load_quiz
from chat.method.reading import FollowUp
from chat.models import MAX_QUESTION_LENGTH, Turn
from chat.selectors import list_follow_ups
from courses.selectors import list_module_titles


@dataclass(frozen=True)
class ShownFollowUp:
    value: FollowUp
    label: str


@dataclass(frozen=True)
class ShownFollowUps:
    """The buttons under an answer, in their order. `checks_step` is whether a step can be sent to be checked."""

    buttons: Sequence[ShownFollowUp]
    checks_step: bool
    is_homework: bool
    # Whether the whole way comes only after an attempt, which the page then says.
    needs_attempt: bool
    asks_level: bool

    @property
    def max_length(self) -> int:
        return MAX_QUESTION_LENGTH


def build_follow_ups(turn: Turn) -> ShownFollowUps | None:
    """Return the buttons under a turn's answer, or None."""
    state, offered = turn.ladder, list_follow_ups(turn)
    if not offered:
        return None
    is_step = state.step not in {HelpStep.NONE, HelpStep.WHOLE}
    return ShownFollowUps(
        buttons=[
            ShownFollowUp(follow_up, format_follow_up(follow_up, state))
            for follow_up in offered
            if follow_up is not FollowUp.CHECK
        ],
        checks_step=FollowUp.CHECK in offered,
        is_homework=is_step,
        needs_attempt=is_step and not state.has_attempt,
        asks_level=turn.asks_level,
    )


def format_follow_up(follow_up: FollowUp, state: LadderState) -> str:
    """Return the text of a follow-up's button in this state."""
    if follow_up is FollowUp.HINT:
        return format_hint(state)
    return {
        FollowUp.CHECK: _("Check my step"),
        FollowUp.WHOLE: _("Just tell me"),
        FollowUp.DIFFERENTLY: _("Explain differently"),
        FollowUp.SIMPLER: _("Simpler"),
        FollowUp.QUIZ: _("Quiz me"),
    }[follow_up]


def format_hint(state: LadderState) -> str:
    """Return the text of the button for the next hint, each of which goes further."""
    if state.hints == len(HINT_STEPS):
        return _("Another example")
    return {
        HelpStep.HINT: _("Hint"),
        HelpStep.BIGGER_HINT: _("Bigger hint"),
        HelpStep.EXAMPLE: _("Similar example"),
    }[HINT_STEPS[state.hints]]


@dataclass(frozen=True)
class ShownPracticeOption:
    number: int
    text: str
    is_right: bool
    is_chosen: bool
    why: str


@dataclass(frozen=True)
class ShownPracticeQuestion:
    number: int
    text: str
    options: Sequence[ShownPracticeOption]
    why: str

    @property
    def chosen(self) -> ShownPracticeOption | None:
        return next((option for option in self.options if option.is_chosen), None)


@dataclass(frozen=True)
class ModuleQuiz:
    """The quiz that people wrote for a module, which needs no tutor."""

    title: str
    url: str


@dataclass(frozen=True)
class ShownQuiz:
    """A quiz as its asker sees it. `module_quiz` is that of the module that fits, if one does."""

    questions: Sequence[ShownPracticeQuestion]
    is_checked: bool
    is_open: bool
    source_text: str
    module_quiz: ModuleQuiz | None = None


def build_shown_quiz(turn: Turn) -> ShownQuiz | None:
    """Return a turn's quiz with the chosen options, or None. Reads the module's title if one fits."""
    if not turn.quiz:
        return None
    quiz = load_quiz(turn.quiz)
    module_quiz = find_module_quiz(quiz.module) if quiz.module else None
    choices = turn.quiz_choices or [None] * len(quiz.questions)
    return ShownQuiz(
        questions=[
            _build_question(question, number, choice)
            for number, (question, choice) in enumerate(zip(quiz.questions, choices, strict=True), 1)
        ],
        is_checked=bool(turn.quiz_choices),
        is_open=quiz.source is QuizSource.OPEN,
        source_text=format_quiz_source(quiz.source),
        module_quiz=module_quiz,
    )


def find_module_quiz(module: str) -> ModuleQuiz | None:
    """Return the quiz of the module with this slug, or None."""
    title = dict(list_module_titles()).get(module)
    return ModuleQuiz(title, reverse("courses:quiz", args=[module])) if title else None


def format_quiz_source(source: QuizSource) -> str:
    """Say who wrote a quiz."""
    return {
        QuizSource.MODEL: _("The model wrote these questions, so they can be wrong."),
        QuizSource.LESSON: _("These questions are from a lesson here that fits."),
        QuizSource.OPEN: _(
            "The model here couldn’t write a quiz on this, so here is a way to quiz yourself."
        ),
    }[source]


def format_checked_quiz(quiz: ShownQuiz) -> str:
    """Return what a screen reader announces once a quiz is checked: how each question went."""
    if quiz.is_open:
        return _("Saved.")
    return " ".join(_format_result(question) for question in quiz.questions)


def _format_result(question: ShownPracticeQuestion) -> str:
    if question.chosen is None:
        return _("Question %(number)s: not answered.") % {"number": question.number}
    if question.chosen.is_right:
        return _("Question %(number)s: yes.") % {"number": question.number}
    return _("Question %(number)s: not quite.") % {"number": question.number}


def _build_question(question: PracticeQuestion, number: int, choice: int | None) -> ShownPracticeQuestion:
    options = [
        ShownPracticeOption(position, option.text, option.is_right, position == choice, option.why)
        for position, option in enumerate(question.options)
    ]
    return ShownPracticeQuestion(number, question.text, options, question.why)
