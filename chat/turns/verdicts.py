"""What follows from the guard's verdict on a question (docs/safety.md has the table)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import models
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.errors import PersonalFound
from chat.models import LONGEST_QUESTION, LONGEST_TITLE, Conversation, Ending, State, Turn
from guard import Action, Category, Evidence, Level, Verdict, action_for, judge_conversation
from inference.place import stays_at_home
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


def verdict_for(question: str, past: Iterable[Turn]) -> Verdict:
    """What the guard says of a question after the turns before it, oldest first.

    A question that is too long is never answered, but may be a long cry for help: all of it is judged, by itself.
    """
    before = () if len(question) > LONGEST_QUESTION else past
    return judge_conversation([*(("user", turn.question) for turn in before), ("user", question)])


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


def title_from(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"


def plain_title() -> str:
    return gettext("A conversation")


def name_plainly(turn: Turn) -> None:
    """Take the question back out of the conversation's name. A name that its owner gave meanwhile stays."""
    with translation.override(turn.language):
        title = plain_title()
    Conversation.objects.filter(pk=turn.conversation_id, title=title_from(turn.question)).update(title=title)


# The layer of the guard whose evidence says where in a question something personal stands.
PERSONAL = "personal"
LEFT_OUT = "[…]"


class Personal(models.TextChoices):
    """What its writer wants to be done with what is personal in a question."""

    REMOVE = "remove", _("send without it")
    KEEP = "keep", _("send as it is")


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int


def cleared(question: str, verdict: Verdict, wish: str) -> str:
    """The question as it may go to the model. Raises PersonalFound when its writer has to be asked first.

    With model and guard at home nothing leaves, so nothing is asked and nothing is taken out.
    """
    if Category.PERSONAL not in verdict.categories or wish == Personal.KEEP or stays_at_home():
        return question
    spans = _spans(verdict.evidence)
    if wish == Personal.REMOVE and spans:
        return _without(question, spans)
    raise PersonalFound([question[span.start : span.end] for span in spans])


def without_personal(question: str) -> str:
    """The question as `cleared` leaves it when its writer wants that."""
    return _without(question, _spans(verdict_for(question, ()).evidence))


def _spans(evidence: Sequence[Evidence]) -> list[Span]:
    """Where it is, from the front, and no letter twice."""
    spans: list[Span] = []
    for found in sorted(evidence, key=lambda found: (found.start, found.end)):
        if found.layer != PERSONAL:
            continue
        if spans and found.start <= spans[-1].end:
            spans[-1] = Span(spans[-1].start, max(spans[-1].end, found.end))
        else:
            spans.append(Span(found.start, found.end))
    return spans


def _without(question: str, spans: Sequence[Span]) -> str:
    for span in reversed(spans):
        question = question[: span.start] + LEFT_OUT + question[span.end :]
    return question
