"""The checks before a lab runs (guard, family and organization), and the output rules for what it shows."""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import Person
from chat.errors import FamilyClosed, TutorClosed, TutorPaused
from chat.selectors import find_pause
from chat.turns.verdicts import FIXED_STATES, get_cut_reason, is_clearly_ordinary
from families.gate import get_tutor_gate
from guard import (
    Action,
    Level,
    OutputGate,
    SentenceGate,
    Verdict,
    action_for,
    judge_by_rules,
    judge_conversation,
    judge_output,
    judge_sentence,
    merge_verdicts,
)
from inference.location import has_remote_guard
from safeguarding.crisis import CRISIS_ACTIONS
from safeguarding.response_texts import FixedText, get_cut_notice, get_redirect, get_refusal
from safeguarding.review import is_tutor_open


@dataclass(frozen=True)
class TypedText:
    """The verdict on what someone typed into a lab."""

    verdict: Verdict

    @property
    def is_crisis(self) -> bool:
        return action_for(self.verdict) in CRISIS_ACTIONS

    @property
    def fixed_text(self) -> FixedText | None:
        """The refusal or the redirect that takes the place of a run, or None."""
        match action_for(self.verdict):
            case Action.REFUSE:
                return get_refusal(self.verdict.categories)
            case Action.REDIRECT:
                return get_redirect(self.verdict.categories)
        return None


def judge_texts(texts: Collection[str]) -> TypedText:
    """Judge each text as a question to the tutor is judged."""
    return TypedText(
        merge_verdicts(*(judge_conversation([("user", text)]) for text in texts if text.strip()))
    )


def require_open_tutor(person: Person) -> None:
    """Raise TutorClosed, FamilyClosed or TutorPaused if the tutor may not answer this person now.

    A lab in which the model writes is the same model in another form, so what closes the tutor closes the lab.
    """
    if not is_tutor_open():
        raise TutorClosed
    gate = get_tutor_gate(person)
    if gate.closed_reason:
        raise FamilyClosed(gate)
    if pause := find_pause(person):
        raise TutorPaused(pause.until)


@dataclass(frozen=True)
class CheckedAnswer:
    """What may be shown of a text by the model: all of it, or a notice in its place."""

    text: str
    notice: FixedText | None = None


def apply_output_rules(text: str, *, question: str) -> CheckedAnswer:
    """Judge a finished answer as the tutor's answers are judged. If a rule or the network objects, nothing is shown."""
    gate = OutputGate()
    released = gate.feed(text) + gate.finish()
    if gate.is_cut or (has_remote_guard() and gate.verdict.categories):
        return CheckedAnswer("", get_cut_notice(get_cut_reason(gate.verdict)))
    is_ordinary = is_clearly_ordinary(judge_conversation([("user", question)]))
    sentences = SentenceGate(
        lambda sentence: judge_sentence(
            question=question, sentence=sentence, is_question_ordinary=is_ordinary
        ),
        holds_sentences=True,
    )
    released = sentences.finish(released)
    if sentences.is_cut:
        return CheckedAnswer("", get_cut_notice(get_cut_reason(sentences.verdict)))
    return CheckedAnswer(released)


class NextPieceRules:
    """Decides which pieces may be shown as what could come after a text.

    The output rules judge the text with the piece, and so do the rules for questions: the list must not offer the end
    of a question that the guard would refuse.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._before = judge_by_rules(text)

    def may_show(self, piece: str) -> bool:
        text = self._text + piece
        if judge_output(text).evidence:
            return False
        after = judge_by_rules(text)
        is_new = after.level > self._before.level or after.categories > self._before.categories
        return not (is_new and (after.level >= Level.HINTS or action_for(after) in FIXED_STATES))
