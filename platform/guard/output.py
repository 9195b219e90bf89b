"""The verdict on what a model said. Two readings agree by the more careful one: as written, and as laid out."""

from guard.answer_scanner import AnswerScanner
from guard.markup import Markup
from guard.rule_books import output_rules
from guard.verdict import Verdict, merge_verdicts
from guard.vocabulary import MAX_WORD_LENGTH
from kit.folding import fold


def create_scanners(*, longest: int = MAX_WORD_LENGTH) -> tuple[AnswerScanner, ...]:
    """Every way in which an answer is read, from its beginning."""
    return (
        AnswerScanner(output_rules(), longest=longest),
        AnswerScanner(output_rules(), markup=Markup(), longest=longest),
    )


def judge_output(text: str) -> Verdict:
    """What a model must never say to a teen, found in what it said. Like judge_input in every other way."""
    piece = fold(text)
    return merge_verdicts(*(reading.read(piece, ended=True) for reading in create_scanners()))


def should_cut(verdict: Verdict) -> bool:
    """Whether an answer ends here.

    Levels say how much care a person needs, and a model needs none. A rule is for output only because a tutor must
    never say what it finds: so whatever the rules find is cut, at whichever level.
    """
    return bool(verdict.evidence)
