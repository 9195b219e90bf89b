"""The verdict on what a model said. Two readings agree by the more careful one: as written, and as laid out."""

from guard.books import output_rules
from guard.markup import Markup
from guard.reading import Reading
from guard.verdict import Verdict, worst
from guard.vocabulary import LONGEST_WORD
from kit.normalise import fold


def readings(*, longest: int = LONGEST_WORD) -> tuple[Reading, ...]:
    """Every way in which an answer is read, from its beginning."""
    return (
        Reading(output_rules(), longest=longest),
        Reading(output_rules(), markup=Markup(), longest=longest),
    )


def judge_output(text: str) -> Verdict:
    """What a model must never say to a teen, found in what it said. Like judge_input in every other way."""
    piece = fold(text)
    return worst(*(reading.read(piece, ended=True) for reading in readings()))


def is_cut(verdict: Verdict) -> bool:
    """Whether an answer ends here.

    Levels say how much care a person needs, and a model needs none. A rule is for output only because a tutor must
    never say what it finds: so whatever the rules find is cut, at whichever level.
    """
    return bool(verdict.evidence)
