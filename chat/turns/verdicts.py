"""What follows from the guard's verdict on a question (docs/safety.md has the table)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import models
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.errors import PersonalDataFound
from chat.models import MAX_QUESTION_LENGTH, MAX_TITLE_LENGTH, Conversation, EndReason, Turn, TurnState
from guard import Action, Category, Evidence, Level, Verdict, action_for, judge_conversation
from inference.location import is_fully_self_hosted
from safeguarding.response_texts import (
    CheckIn,
    FixedReply,
    SupportLines,
    choose_cut_category,
    get_check_in,
    get_cut_notice,
    get_redirect,
    get_refusal,
    get_support_lines,
)


def judge_question(question: str, past: Iterable[Turn]) -> Verdict:
    """What the guard says of a question after the turns before it, oldest first.

    A question that is too long is never answered, but may be a long cry for help: all of it is judged, by itself.
    """
    before = () if len(question) > MAX_QUESTION_LENGTH else past
    return judge_conversation([*(("user", turn.question) for turn in before), ("user", question)])


# These turns are over at once: fixed words stand instead of an answer, and nothing is held, sent or charged.
FIXED_STATES = {
    Action.CARD: TurnState.CARDED,
    Action.PAUSE: TurnState.PAUSED,
    Action.REFUSE: TurnState.REFUSED,
    Action.REDIRECT: TurnState.REDIRECTED,
}
# Somebody may be in danger: this comes before consent, quiet hours, length and the number of questions.
CRISIS_ACTIONS = {Action.CARD, Action.PAUSE}
# Only these questions give a conversation its name: others may glance at the list.
TITLE_ACTIONS = {Action.ALLOW, Action.STRIP}


def get_verdict(turn: Turn) -> Verdict:
    return Verdict(level=Level(turn.level), categories=frozenset(map(Category, turn.categories)))


def get_action(turn: Turn) -> Action:
    """What was done about a turn's question."""
    done = {state: action for action, state in FIXED_STATES.items()}
    return done.get(TurnState(turn.state)) or action_for(get_verdict(turn))


def list_fixed_passages(action: Action, verdict: Verdict) -> list[str]:
    """The passages that fixed words point to."""
    if action is not Action.REDIRECT:
        return []
    lesson = get_redirect(verdict.categories).lesson
    return [lesson] if lesson else []


def find_fixed_text(turn: Turn) -> FixedReply | None:
    """The words that stand instead of an answer: of a refused, a redirected or a withheld turn."""
    match turn.state:
        case TurnState.REFUSED:
            return get_refusal(get_verdict(turn).categories)
        case TurnState.REDIRECTED:
            return get_redirect(get_verdict(turn).categories)
        case TurnState.CUT:
            return get_cut_notice(turn.end_reason)
    return None


def find_check_in(turn: Turn) -> CheckIn | None:
    """What a paused turn asks."""
    return get_check_in(get_verdict(turn).categories) if turn.state == TurnState.PAUSED else None


def find_support(turn: Turn) -> SupportLines | None:
    """The lines around the answer of a turn that sounded burdened."""
    return get_support_lines(get_verdict(turn).categories) if get_action(turn) is Action.SUPPORT else None


def find_cut_reason(verdict: Verdict) -> EndReason:
    """Why the output gate cut an answer."""
    return EndReason(choose_cut_category(verdict.categories))


def build_title(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= MAX_TITLE_LENGTH else line[: MAX_TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def get_default_title() -> str:
    return gettext("A conversation")


def reset_title(turn: Turn) -> None:
    """Take the question back out of the conversation's name. A name that its owner gave meanwhile stays."""
    with translation.override(turn.language):
        title = get_default_title()
    Conversation.objects.filter(pk=turn.conversation_id, title=build_title(turn.question)).update(title=title)


# The layer of the guard whose evidence says where in a question something personal stands.
PERSONAL_LAYER = "personal"
REDACTED = "[…]"


class PersonalDataChoice(models.TextChoices):
    """What its writer wants to be done with what is personal in a question."""

    REMOVE = "remove", _("send without it")
    KEEP = "keep", _("send as it is")


@dataclass(frozen=True, slots=True)
class TextSpan:
    start: int
    end: int


def redact_or_ask(question: str, verdict: Verdict, wish: str) -> str:
    """The question as it may go to the model. Raises PersonalFound when its writer has to be asked first.

    With model and guard at home nothing leaves, so nothing is asked and nothing is taken out.
    """
    if (
        Category.PERSONAL not in verdict.categories
        or wish == PersonalDataChoice.KEEP
        or is_fully_self_hosted()
    ):
        return question
    spans = _find_spans(verdict.evidence)
    if wish == PersonalDataChoice.REMOVE and spans:
        return _redact_spans(question, spans)
    raise PersonalDataFound([question[span.start : span.end] for span in spans])


def redact_personal_data(question: str) -> str:
    """The question as `cleared` leaves it when its writer wants that."""
    return _redact_spans(question, _find_spans(judge_question(question, ()).evidence))


def _find_spans(evidence: Sequence[Evidence]) -> list[TextSpan]:
    """Where it is, from the front, and no letter twice."""
    spans: list[TextSpan] = []
    for found in sorted(evidence, key=lambda found: (found.start, found.end)):
        if found.layer != PERSONAL_LAYER:
            continue
        if spans and found.start <= spans[-1].end:
            spans[-1] = TextSpan(spans[-1].start, max(spans[-1].end, found.end))
        else:
            spans.append(TextSpan(found.start, found.end))
    return spans


def _redact_spans(question: str, spans: Sequence[TextSpan]) -> str:
    for span in reversed(spans):
        question = question[: span.start] + REDACTED + question[span.end :]
    return question
