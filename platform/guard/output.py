"""Judges what a model said, both as written and with its markup rendered."""

from guard.answer_scanner import PairedScanner
from guard.conversation import get_encoder
from guard.rule_books import output_rules
from guard.verdict import Verdict
from guard.vocabulary import MAX_WORD_LENGTH
from kit.folding import fold


def create_scanner(*, longest: int = MAX_WORD_LENGTH) -> PairedScanner:
    """Create the scanner of an answer: as written, and with its markup rendered."""
    return PairedScanner(output_rules(), longest=longest)


def judge_output(text: str) -> Verdict:
    """Judge a model's text by the output rules, in linear time."""
    return create_scanner().read(fold(text), is_last=True)


def judge_sentence(*, question: str, sentence: str, is_question_ordinary: bool) -> Verdict:
    """Judge a finished sentence of an answer by the encoder, after the question that it answers.

    If `is_question_ordinary`, the encoder may leave out its last layers (ADR 61). Takes 2 to 4 ms with all layers.
    Evidence means that a tutor must not say it; it points at the whole sentence.
    """
    return get_encoder().judge_answer(question, sentence, may_exit=is_question_ordinary)


def should_cut(verdict: Verdict) -> bool:
    """Return whether to cut the answer.

    Output rules list what the tutor must never say, so any match cuts the answer, regardless of its level.
    """
    return bool(verdict.evidence)
