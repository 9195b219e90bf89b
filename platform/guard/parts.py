"""Judges the parts of a longer message with both models."""

import dataclasses
import math
import re
from typing import TYPE_CHECKING

from guard.classifier import Classifier
from guard.heads import HeadScores
from guard.levels import CARE, DANGER_OR_STRESS, HINT_HEAD, UNSAFE, UNSAFE_HEAD, log_odds
from guard.segments import split_segments
from guard.verdict import Category, Evidence, Level, Verdict, merge_verdicts

if TYPE_CHECKING:
    from guard.encoder import Encoder

# Every part of a long text is another chance of a false positive, so both models must agree: the sum of their log-odds
# must reach these values, with the encoder's capped at _MAX_LOG_ODDS. Homework is seldom about its author, so text
# without the first person needs much more. The encoder is less sure in Spanish. docs/guard-model.md has the
# measurements.
_IN_FIRST_PERSON, _IN_SPANISH, _WITHOUT_FIRST_PERSON = 2.0, 0.0, 5.25
# Added if the encoder has read the text as a whole.
_ADDED_FOR_WHOLE_READ = 0.5
# Added for a part of a sentence, which is misjudged more often.
_ADDED_FOR_CUT_PART = 0.5
_MAX_LOG_ODDS = 3.0
_NEVER = math.inf
# Below this probability of the classifier, the models cannot agree.
_MIN_DANGER_PROBABILITY = 0.01
_MAX_PIECES_READ = 18_000
"""How many WordPiece pieces of one text the encoder reads, the most suspicious parts first."""

_ENGLISH = re.compile(r"\b(?:i|im|ive|id|ill|me|my|mine|myself)\b", re.IGNORECASE)
_SPANISH = re.compile(
    r"\b(?:yo(?![\w'’])|mis?|mí|conmigo|he \w+[aei]do|estoy|soy|tengo|quiero|quisiera|puedo|voy|hago|siento|pienso|"
    r"como|llevo|odio|corto|vomito|aguanto|sé|(?!así|aquí|ahí|allí|casi|qué|café|bebé)[^\W\d_]{2,}[éí])\b",
    re.IGNORECASE,
)
# Phrases of students and teachers about an exercise.
_OF_AN_EXERCISE = re.compile(
    r"\b(?:tell|show|give|gave|guide|help|let|walk|remind) me\b"
    r"|\bi (?:see|started|calculated|divided|multiplied|added|subtracted|included)\b",
    re.IGNORECASE,
)


def judge_parts(text: str, quick: Classifier, deep: "Encoder", *, is_read_whole: bool) -> Verdict:
    """Return the most careful level on which both models agree in any part of a text; level 0 for a short text.

    The classifier reads every part. The encoder reads those where it can change the result, up to _MAX_PIECES_READ in
    total, the classifier's surest first. The evidence is the position of the part in the text.
    """
    parts = {text[part.start : part.end]: part for part in reversed(split_segments(text))}
    read = [(quick.read(words), words, part) for words, part in parts.items()]
    verdicts, pieces_left = [Verdict()], _MAX_PIECES_READ
    for by_classifier, words, part in sorted(read, key=lambda scored: -get_danger_probability(scored[0])):
        if get_danger_probability(by_classifier) < _MIN_DANGER_PROBABILITY or pieces_left < 0:
            break
        pieces_left -= deep.count_pieces(words)
        by_encoder = deep.read(words, (0, len(words)), by_classifier)
        needed = _get_needed_agreement(words, is_cut=part.is_cut) + (
            _ADDED_FOR_WHOLE_READ if is_read_whole else 0
        )
        if _compute_agreement(by_classifier, by_encoder) >= needed:
            verdicts += [_keep_danger(scores.verdict, part.start) for scores in (by_classifier, by_encoder)]
    return merge_verdicts(*verdicts)


def has_agreement(quick: HeadScores, deep: HeadScores, text: str) -> bool:
    """Return whether both models agree on danger in a part of a longer text."""
    return _compute_agreement(quick, deep) >= _get_needed_agreement(text, is_cut=False)


def _compute_agreement(quick: HeadScores, deep: HeadScores) -> float:
    by_encoder = max(deep.probabilities.get(head, 0.0) for head in (HINT_HEAD, UNSAFE_HEAD))
    return log_odds(get_danger_probability(quick)) + min(log_odds(by_encoder), _MAX_LOG_ODDS)


def _get_needed_agreement(text: str, *, is_cut: bool) -> float:
    cut = _ADDED_FOR_CUT_PART if is_cut else 0.0
    if _SPANISH.search(text):
        return _IN_SPANISH + cut
    if _ENGLISH.search(_OF_AN_EXERCISE.sub(" ", text)):
        return _IN_FIRST_PERSON + cut
    return _NEVER if is_cut else _WITHOUT_FIRST_PERSON


def get_danger_probability(scores: HeadScores) -> float:
    """Return the classifier's highest probability of any head for danger or an unsafe home."""
    return max(
        (scores.probabilities.get(category, 0.0) for category in DANGER_OR_STRESS | UNSAFE), default=0.0
    )


def strip_danger(verdict: Verdict) -> Verdict:
    """Return a verdict without its level and its categories of danger."""
    return _keep_categories(verdict, verdict.categories - CARE, Level.NONE)


def _keep_danger(verdict: Verdict, offset: int) -> Verdict:
    """Return a part's verdict on danger only, with offsets into the whole text."""
    kept = _keep_categories(verdict, verdict.categories & CARE, verdict.level)
    moved = tuple(Evidence(e.layer, e.rule, e.start + offset, e.end + offset) for e in kept.evidence)
    return dataclasses.replace(kept, evidence=moved)


def _keep_categories(verdict: Verdict, categories: frozenset[Category], level: Level) -> Verdict:
    evidence = tuple(e for e in verdict.evidence if e.rule in categories)
    return dataclasses.replace(verdict, level=level, categories=categories, evidence=evidence)
