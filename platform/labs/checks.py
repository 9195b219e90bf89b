"""The checks before a lab runs (guard, family and organization), and the output rules for what it shows."""

import hashlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import Person
from budgets.models import Plan
from budgets.selectors import build_plan_column, find_plan
from chat.errors import FamilyClosed, TutorClosed, TutorPaused
from chat.selectors import build_pause_column, find_pause
from chat.turns.verdicts import FIXED_STATES, get_cut_reason, is_clearly_ordinary
from families.gate import build_gate_columns, read_tutor_gate
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

# How many verdicts a process remembers. While someone types in one field, a live lab sends the others again, and each
# answer is judged with its question.
MAX_VERDICTS = 2000
# Keyed by a hash of the text, because no one's words may stay in memory.
_verdicts: dict[bytes, Verdict] = {}


def judge_text(text: str) -> Verdict:
    """Judge a text as a question to the tutor, or return the verdict on it that this process remembers."""
    key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if (verdict := _verdicts.get(key)) is None:
        verdict = _verdicts[key] = judge_conversation([("user", text)])
        while len(_verdicts) > MAX_VERDICTS:
            with suppress(KeyError, StopIteration, RuntimeError):  # other threads may do the same
                del _verdicts[next(iter(_verdicts))]
    return verdict


@dataclass(frozen=True)
class TypedText:
    """The verdict on what someone typed into a lab."""

    verdict: Verdict

    @property
    def is_crisis(self) -> bool:
        return action_for(self.verdict) in CRISIS_ACTIONS

    @property
    def is_ordinary(self) -> bool:
        return is_clearly_ordinary(self.verdict)

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
    return TypedText(merge_verdicts(*(judge_text(text) for text in texts if text.strip())))


def require_open_tutor(person: Person) -> Plan:
    """Return the person's plan, or raise TutorClosed, FamilyClosed or TutorPaused if the tutor may not answer now.

    A lab in which the model writes is the same model in another form, so what closes the tutor closes the lab.
    """
    if not is_tutor_open():
        raise TutorClosed
    now = timezone.now()
    columns: dict[str, Any] = {
        "plan": build_plan_column(),
        "paused_at": build_pause_column(person),
        **build_gate_columns(person, now),
    }
    # One query instead of three, as for a question to the tutor (chat.asking.services).
    rows: Any = Person.objects.values(**columns)
    row = rows.get(pk=person.pk)
    gate = read_tutor_gate(person, row, now)
    if gate.closed_reason:
        raise FamilyClosed(gate)
    if row["paused_at"] and (pause := find_pause(person)):
        raise TutorPaused(pause.until)
    return find_plan(row["plan"])


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
    is_ordinary = is_clearly_ordinary(judge_text(question))
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


class UnfinishedAnswer:
    """Releases an answer while it is written, as far as the output rules allow.

    As in the tutor (ADR 55), words leave before their sentence is judged only if the question `is_ordinary`. A remote
    guard judges whole answers, so with one nothing leaves early.
    """

    def __init__(self, question: str, *, is_ordinary: bool) -> None:
        self._question, self._is_ordinary = question, is_ordinary
        self._begin()

    def _begin(self) -> None:
        self._gate = OutputGate()
        self._sentences = SentenceGate(self._judge, holds_sentences=not self._is_ordinary)
        self._read = self._released = ""

    def _judge(self, sentence: str) -> Verdict:
        return judge_sentence(
            question=self._question, sentence=sentence, is_question_ordinary=self._is_ordinary
        )

    def release(self, text: str) -> str:
        """Take the answer so far. Return what may be shown of it: nothing once a rule or the network objects."""
        if not text.startswith(self._read):
            # The model began again.
            self._begin()
        new, self._read = text[len(self._read) :], text
        if self._has_ended():
            return ""
        self._sentences.feed(self._gate.feed(new))
        self._released += self._sentences.release()
        return "" if self._has_ended() else self._released

    def _has_ended(self) -> bool:
        return has_remote_guard() or self._gate.is_cut or self._sentences.has_ended


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
