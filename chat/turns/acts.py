"""What becomes of a question by the guard's verdict, and what its page says then (docs/safety.md has the table)."""

from chat.models import Ending, State, Turn
from guard import Action, Category, Level, Verdict, action_for
from safeguarding.acts import (
    Question,
    Said,
    Support,
    cut_category,
    cut_for,
    question_for,
    redirect_for,
    refusal_for,
    support_for,
)

# These turns are over at once: fixed words stand instead of an answer, and nothing is held, sent or charged.
FIXED = {
    Action.CARD: State.CARDED,
    Action.PAUSE: State.PAUSED,
    Action.REFUSE: State.REFUSED,
    Action.REDIRECT: State.REDIRECTED,
}
# Somebody may be in danger: this comes before consent, quiet hours, length and the number of questions.
FIRST = {Action.CARD, Action.PAUSE}
# Only these questions give a conversation its name: others may glance at the list.
NAMING = {Action.ALLOW, Action.STRIP}


def verdict_of(turn: Turn) -> Verdict:
    return Verdict(level=Level(turn.level), categories=frozenset(map(Category, turn.categories)))


def action_of(turn: Turn) -> Action:
    """What was done about a turn's question."""
    done = {state: action for action, state in FIXED.items()}
    return done.get(State(turn.state)) or action_for(verdict_of(turn))


def lessons_for(action: Action, verdict: Verdict) -> list[str]:
    """The passages that fixed words point to."""
    if action is not Action.REDIRECT:
        return []
    lesson = redirect_for(verdict.categories).lesson
    return [lesson] if lesson else []


def said_of(turn: Turn) -> Said | None:
    """The words that stand instead of an answer: of a refused, a redirected or a withheld turn."""
    match turn.state:
        case State.REFUSED:
            return refusal_for(verdict_of(turn).categories)
        case State.REDIRECTED:
            return redirect_for(verdict_of(turn).categories)
        case State.WITHHELD:
            return cut_for(turn.ending)
    return None


def question_of(turn: Turn) -> Question | None:
    """What a paused turn asks."""
    return question_for(verdict_of(turn).categories) if turn.state == State.PAUSED else None


def support_of(turn: Turn) -> Support | None:
    """The lines around the answer of a turn that sounded burdened."""
    return support_for(verdict_of(turn).categories) if action_of(turn) is Action.SUPPORT else None


def ending_of_cut(verdict: Verdict) -> Ending:
    """Why the output gate cut an answer."""
    return Ending(cut_category(verdict.categories))
