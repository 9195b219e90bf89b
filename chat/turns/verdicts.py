"""What follows from the guard's verdict on a question. The table is in docs/safety.md."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import models
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.errors import PersonalDataFound
from chat.models import MAX_QUESTION_LENGTH, MAX_TITLE_LENGTH, Conversation, EndReason, Turn, TurnState
from guard import Action, Category, Evidence, Level, Verdict, action_for, judge_conversation
from safeguarding.card_review import (
    CheckInReview,
    find_card_reviews,
    find_check_in_review,
    has_ever_been_reviewed,
)
from safeguarding.cards import CardReview
from safeguarding.response_texts import (
    CheckIn,
    FixedText,
    SupportLines,
    choose_cut_category,
    get_check_in,
    get_cut_notice,
    get_redirect,
    get_refusal,
    get_support_lines,
)


def judge_question(question: str, earlier_turns: Iterable[Turn]) -> Verdict:
    """Return the guard's verdict on a question that follows `earlier_turns`, oldest first.

    A question that is too long is judged whole and by itself: it is never answered, but may be a cry for help.
    """
    before = () if len(question) > MAX_QUESTION_LENGTH else earlier_turns
    return judge_conversation([*(("user", turn.question) for turn in before), ("user", question)])


# Actions that end a turn immediately with a fixed text. Nothing is held, sent to the model or charged.
FIXED_STATES = {
    Action.CARD: TurnState.CARDED,
    Action.PAUSE: TurnState.PAUSED,
    Action.REFUSE: TurnState.REFUSED,
    Action.REDIRECT: TurnState.REDIRECTED,
}
# Actions for a person who may be in danger. They come before consent, quiet hours, length and rate limits.
CRISIS_ACTIONS = {Action.CARD, Action.PAUSE}
# Only questions with these actions become a conversation's title, because other people may see the list.
TITLE_ACTIONS = {Action.ANSWER, Action.REDACT}


def get_verdict(turn: Turn) -> Verdict:
    """Return the verdict on a turn's question as it is stored: without evidence."""
    return Verdict(level=Level(turn.level), categories=frozenset(map(Category, turn.categories)))


def is_clearly_ordinary(verdict: Verdict) -> bool:
    """Return whether a question reads so ordinary that words of its answer may leave before their sentence is judged.

    An unsafe sentence is then withdrawn. Otherwise its words never leave (ADR 55).
    """
    return verdict.level == Level.NONE and not verdict.categories and not verdict.evidence


def get_action(turn: Turn) -> Action:
    """Return the action that was taken on a turn's question."""
    actions = {state: action for action, state in FIXED_STATES.items()}
    return actions.get(TurnState(turn.state)) or action_for(get_verdict(turn))


def list_fixed_passages(action: Action, verdict: Verdict) -> list[str]:
    """Return the keys of the passages that a fixed text links to."""
    if action is not Action.REDIRECT:
        return []
    lesson = get_redirect(verdict.categories).lesson
    return [lesson] if lesson else []


def find_fixed_text(turn: Turn) -> FixedText | None:
    """Return the fixed text of a refused, redirected or cut turn, or None."""
    match turn.state:
        case TurnState.REFUSED:
            return get_refusal(get_verdict(turn).categories)
        case TurnState.REDIRECTED:
            return get_redirect(get_verdict(turn).categories)
        case TurnState.CUT:
            return get_cut_notice(turn.end_reason)
    return None


def find_check_in(turn: Turn, review: CheckInReview | None = None) -> CheckIn | None:
    """Return the check-in of a paused turn, or None. `review` is given if people would read the message after a yes."""
    if turn.state != TurnState.PAUSED:
        return None
    categories = get_verdict(turn).categories
    if review is None:
        return get_check_in(categories)
    return get_check_in(categories, organization=review.organization, may_tell_parent=review.may_tell_parent)


def find_support(turn: Turn) -> SupportLines | None:
    """Return the lines above and below an answer to a question with action SUPPORT (stress, bullying), or None."""
    return get_support_lines(get_verdict(turn).categories) if get_action(turn) is Action.SUPPORT else None


def get_cut_reason(verdict: Verdict) -> EndReason:
    """Return the end reason of an answer that the output gate cut. It chooses the text that is shown instead."""
    return EndReason(choose_cut_category(verdict.categories))


def build_title(question: str) -> str:
    """Return a conversation's title: its first question on one line, cut at a word to MAX_TITLE_LENGTH characters."""
    line = " ".join(question.split())
    return line if len(line) <= MAX_TITLE_LENGTH else line[: MAX_TITLE_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def get_default_title() -> str:
    return gettext("A conversation")


def reset_title(turn: Turn) -> None:
    """Replace a title that was made from the turn's question with the default. A title that its owner chose stays."""
    with translation.override(turn.language):
        title = get_default_title()
    Conversation.objects.filter(pk=turn.conversation_id, title=build_title(turn.question)).update(title=title)


# The guard's layer whose evidence locates personal data in a question.
PERSONAL_LAYER = "personal"
REDACTED = "[…]"


class PersonalDataChoice(models.TextChoices):
    """What the asker wants done with the personal data in a question."""

    REMOVE = "remove", _("send without it")
    KEEP = "keep", _("send as it is")


@dataclass(frozen=True, slots=True)
class TextSpan:
    start: int
    end: int


def redact_or_ask(question: str, verdict: Verdict, choice: str, *, leaves_site: bool) -> str:
    """Return the question as it may go to the model, given the asker's `choice` (a PersonalDataChoice or "").

    Raises PersonalDataFound if the asker must choose first. A question that no company outside may read
    (`leaves_site`) is returned unchanged.
    """
    if Category.PERSONAL not in verdict.categories or choice == PersonalDataChoice.KEEP or not leaves_site:
        return question
    spans = _find_spans(verdict.evidence)
    if choice == PersonalDataChoice.REMOVE and spans:
        return _redact_spans(question, spans)
    raise PersonalDataFound([question[span.start : span.end] for span in spans])


def redact_personal_data(question: str) -> str:
    """Return the question as `redact_or_ask` returns it for REMOVE."""
    return _redact_spans(question, _find_spans(judge_question(question, ()).evidence))


def _find_spans(evidence: Sequence[Evidence]) -> list[TextSpan]:
    """Return the ranges of personal data in order, with overlaps merged."""
    spans: list[TextSpan] = []
    for item in sorted(evidence, key=lambda item: (item.start, item.end)):
        if item.layer != PERSONAL_LAYER:
            continue
        if spans and item.start <= spans[-1].end:
            spans[-1] = TextSpan(spans[-1].start, max(spans[-1].end, item.end))
        else:
            spans.append(TextSpan(item.start, item.end))
    return spans


def _redact_spans(question: str, spans: Sequence[TextSpan]) -> str:
    for span in reversed(spans):
        question = question[: span.start] + REDACTED + question[span.end :]
    return question


# --- Who may read a message with a card or check-in, for the texts that say so (ADR 60) ---


@dataclass(frozen=True)
class CrisisReaders:
    """What the cards and check-ins of some turns say about the people who may read the messages."""

    by_turn: Mapping[UUID, CardReview] = field(default_factory=dict)
    after_yes: CheckInReview | None = None
    # False if this page says nothing about it.
    is_said: bool = True


def find_crisis_readers(turns: Sequence[Turn]) -> CrisisReaders:
    """Return what the asker of the turns is told, who is one person. Costs no query without a card or check-in."""
    waiting = next((turn for turn in turns if turn.state == TurnState.PAUSED and not turn.resumed_at), None)
    return CrisisReaders(
        by_turn=find_card_reviews([turn.pk for turn in turns if _may_be_reviewed(turn)]),
        after_yes=find_check_in_review(waiting.conversation.owner) if waiting else None,
    )


def get_readers_for_parent(turns: Sequence[Turn]) -> CrisisReaders:
    """Return what a parent is told: whether people have read a message is the teen's to know."""
    has_card = any(_may_be_reviewed(turn) for turn in turns)
    return CrisisReaders(is_said=not (has_card and has_ever_been_reviewed()))


def _may_be_reviewed(turn: Turn) -> bool:
    return turn.state == TurnState.CARDED and Level(turn.level) >= Level.STATED


NO_READERS = CrisisReaders()
