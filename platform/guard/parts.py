"""What both models find in the parts of a longer message."""

import dataclasses
import math
import re
from typing import TYPE_CHECKING

from guard.classifier import Classifier
from guard.heads import HeadScores
from guard.segments import split_segments
from guard.verdict import Category, Evidence, Level, Verdict, merge_verdicts

if TYPE_CHECKING:
    from guard.encoder import Encoder

UNSAFE = frozenset({Category.UNSAFE_HOME, Category.EXPLOITATION})
DANGER = frozenset(
    {
        Category.SUICIDE,
        Category.SELF_HARM,
        Category.EATING_DISORDER,
        Category.HOPELESSNESS,
        Category.DISTRESS,
        Category.BULLYING,
    }
)
_CARE = DANGER | UNSAFE | {Category.ABOUT_SOMEONE_ELSE}

# Every part of a long text is one more chance to be wrong, so a level holds there where the models agree: their
# log-odds add up to so much, the encoder's counting up to _CERTAIN. Homework is seldom about its writer, so words
# without a first person need much more. The encoder is less sure of Spanish. docs/guard-model.md has the figures.
_OF_ONESELF, _IN_SPANISH, _OF_OTHERS = 2.5, 1.0, 5.75
# Where the encoder has read the text as a whole, and found nothing, a part has to say more.
_BESIDE_ALL = 0.2
# A piece cut out of a sentence is more often misread than a whole one.
_CUT = 0.5
_CERTAIN, _SURE = 3.0, 0.0001
_NEVER = math.inf
# Where the heads find less, no reading of the encoder makes them agree.
_LEAST = 0.01
_MOST_PIECES = 18_000
"""So many pieces of words the encoder reads of one text, the most suspicious parts first."""

_ENGLISH = re.compile(r"\b(?:i|im|ive|id|ill|me|my|mine|myself)\b", re.IGNORECASE)
_SPANISH = re.compile(
    r"\b(?:yo(?![\w'’])|mis?|mí|conmigo|he \w+[aei]do|estoy|soy|tengo|quiero|quisiera|puedo|voy|hago|siento|pienso|"
    r"como|llevo|odio|corto|vomito|aguanto|sé|(?!así|aquí|ahí|allí|casi|qué|café|bebé)[^\W\d_]{2,}[éí])\b",
    re.IGNORECASE,
)
# What a pupil and a teacher say of an exercise.
_OF_AN_EXERCISE = re.compile(
    r"\b(?:tell|show|give|gave|guide|help|let|walk|remind) me\b"
    r"|\bi (?:see|started|calculated|divided|multiplied|added|subtracted|included)\b",
    re.IGNORECASE,
)


def judge_parts(text: str, quick: Classifier, deep: "Encoder", *, is_read_whole: bool) -> Verdict:
    """The most careful level that both models agree on in any part of a text; level 0 for a short text.

    The heads read every part. The encoder reads those in which its opinion can matter; of a text in which these have
    more than _MOST_PIECES, those in which the heads are surest. Evidence is where in the text the part stands.
    """
    parts = {text[part.start : part.end]: part for part in reversed(split_segments(text))}
    read = [(quick.read(words), words, part) for words, part in parts.items()]
    found, left = [Verdict()], _MOST_PIECES
    for by_heads, words, part in sorted(read, key=lambda one: -get_danger_probability(one[0])):
        if get_danger_probability(by_heads) < _LEAST or left < 0:
            break
        left -= deep.size(words)
        by_encoder = deep.read(words, (0, len(words)), by_heads.kind)
        needed = _needed(words, is_cut=part.is_cut) + (_BESIDE_ALL if is_read_whole else 0)
        if _agreement(by_heads, by_encoder) >= needed:
            found += [_care(one.verdict, part.start) for one in (by_heads, by_encoder)]
    return merge_verdicts(*found)


def has_agreement(quick: HeadScores, deep: HeadScores, text: str) -> bool:
    """Whether both models together find enough in a part of a longer text for a level to hold."""
    return _agreement(quick, deep) >= _needed(text, is_cut=False)


def _agreement(quick: HeadScores, deep: HeadScores) -> float:
    certain = min(_log_odds(get_danger_probability(deep)), _CERTAIN)
    return _log_odds(get_danger_probability(quick)) + certain


def _needed(text: str, *, is_cut: bool) -> float:
    cut = _CUT if is_cut else 0.0
    if _SPANISH.search(text):
        return _IN_SPANISH + cut
    if _ENGLISH.search(_OF_AN_EXERCISE.sub(" ", text)):
        return _OF_ONESELF + cut
    return _NEVER if is_cut else _OF_OTHERS


def get_danger_probability(reading: HeadScores) -> float:
    """The highest probability of any head for danger or an unsafe home."""
    return max((reading.probabilities.get(category, 0.0) for category in DANGER | UNSAFE), default=0.0)


def _log_odds(probability: float) -> float:
    kept = min(max(probability, _SURE), 1 - _SURE)
    return math.log(kept / (1 - kept))


def strip_danger(verdict: Verdict) -> Verdict:
    """What a verdict says of other things than danger."""
    return _only(verdict, verdict.categories - _CARE, Level.NONE)


def _care(verdict: Verdict, offset: int) -> Verdict:
    """What a part's verdict says of danger, with the places of the whole text."""
    kept = _only(verdict, verdict.categories & _CARE, verdict.level)
    moved = tuple(Evidence(e.layer, e.rule, e.start + offset, e.end + offset) for e in kept.evidence)
    return dataclasses.replace(kept, evidence=moved)


def _only(verdict: Verdict, categories: frozenset[Category], level: Level) -> Verdict:
    evidence = tuple(e for e in verdict.evidence if e.rule in categories)
    return dataclasses.replace(verdict, level=level, categories=categories, evidence=evidence)
