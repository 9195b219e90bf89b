"""Judges a person's last message together with their earlier ones."""

import dataclasses
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from guard.classifier import Classifier
from guard.heads import HeadScores
from guard.judge import judge
from guard.levels import CARD_HEAD, DANGER_OR_STRESS, HINT_HEAD, UNSAFE, UNSAFE_HEAD
from guard.parts import has_agreement, judge_parts, strip_danger
from guard.personal import judge_personal
from guard.rule_books import care_rules, input_rules, load_rule_books, trace_rules
from guard.segments import drop_repeated_sentences, is_short
from guard.verdict import Category, Evidence, Level, Verdict, merge_verdicts
from kit.lazy import load_once

if TYPE_CHECKING:
    from guard.encoder import Encoder

PERSON_ROLE = "user"
LAYER = "conversation"
MAX_EARLIER_MESSAGES = 12
"""How many of a person's earlier messages count."""
_MAX_JOINED_MESSAGES = 2
"""How many earlier messages are joined to the last one, to find a phrase that spans them."""
_SHORT_WORDS = 40
"""Up to what length a message is also read after the earlier ones."""
_CONTEXT_MESSAGES = 5
"""How many earlier messages a message is read after."""
_FEW_WORDS = 4
"""Up to this length, a message says little by itself, and is always read after the earlier ones."""
_VERY_SHORT_WORDS = 24
"""Up to this length, a message that is read after the earlier ones is also read as the end of the one before it."""
_CONCERN = 0.05
"""Below this probability of danger, a message by itself is of no concern. Where that holds for the last message and
those before it, they are not read together: on talks in which danger adds up, that loses nothing."""
_OF_CONCERN = (CARD_HEAD, HINT_HEAD, UNSAFE_HEAD, Category.METHOD)
_FADES = 0.8
"""The factor by which a hint weakens with each later message."""
_MAX_REMEMBERED = 20_000

# The points of one hint. A trace by itself never reaches a level.
_TRACE = 0.5
_POINTS = {Level.STRESS: 0.6, Level.HINTS: 1.5, Level.STATED: 3.0, Level.ACUTE: 4.0}
_UNSAFE_POINTS = {Level.UNSAFE_HOME: 3.0}
# The sums of points for each level: six messages of stress make a hint, three hints a statement, three traces of an
# unsafe home in a row an unsafe home.
_HINTS_FROM, _STATED_FROM, _UNSAFE_FROM = 1.9, 3.6, 1.2

# By the messages' hashes, as no one's words may stay in memory.
_readings: dict[bytes, "_Reading"] = {}


def judge_conversation(turns: Sequence[tuple[str, str]]) -> Verdict:
    """Judge the last message of a conversation with all layers.

    `turns` are (role, text) pairs, oldest first; the last must have the role "user". Messages of other roles are
    ignored. The verdict is that of the most careful layer, named by its `layer`; evidence of the layers "rules",
    "classifier" and "personal" points into the last message. Does no I/O.

    Raises ValueError if the last turn is not the person's.
    """
    if not turns or turns[-1][0] != PERSON_ROLE:
        raise ValueError("the last turn of a conversation must be the person's")
    messages = [text for role, text in turns if role == PERSON_ROLE][-MAX_EARLIER_MESSAGES - 1 :]
    *before, last = messages
    alone, reading = _read_alone(last)
    verdicts = (
        judge_personal(last),
        _judge_split_phrases(before, last),
        _judge_accumulated_hints(before, reading, last),
    )
    return merge_verdicts(alone, *verdicts, _judge_in_context(before, last, reading))


def judge_by_rules(text: str) -> Verdict:
    """Judge one text by the rules alone: danger, refused requests, and personal details. Needs no model."""
    return merge_verdicts(judge(text, input_rules()), judge(text, care_rules()), judge_personal(text))


def judge_strictly(text: str) -> Verdict:
    """Judge a message by its traces of danger, for when the remote guard is unavailable: any trace is a hint.

    Otherwise a trace is too weak to act on, and `judge_conversation` only counts it together with earlier ones.
    """
    traces = read_message(text).traces | judge(text, trace_rules()).categories
    categories = traces & (DANGER_OR_STRESS | UNSAFE)
    if not categories:
        return Verdict(layer=LAYER)
    return Verdict(Level.HINTS, frozenset(categories), (Evidence(LAYER, "trace", 0, len(text)),), layer=LAYER)


def read_message(text: str) -> HeadScores:
    """Score a message with both models, as a whole and in parts.

    What it says again is read once: the encoder takes any sentence for alarming if it is repeated often enough.
    """
    if (unique := drop_repeated_sentences(text)) != text:
        return _move_scores(read_message(unique), unique, text)
    quick = get_classifier().read(text)
    deep = get_encoder().read(text, quick.doubt, quick)
    verdict = deep.verdict
    if not is_short(text):
        start, end = quick.doubt
        # A text of several windows needs the same agreement as its parts.
        if quick.traits.is_long and not has_agreement(quick, deep, text[start:end]):
            verdict = strip_danger(verdict)
        in_parts = judge_parts(text, get_classifier(), get_encoder(), is_read_whole=not quick.traits.is_long)
        if in_parts.level >= verdict.level:
            # The part says more exactly where.
            verdict = strip_danger(verdict)
        verdict = merge_verdicts(verdict, in_parts)
    return dataclasses.replace(deep, verdict=verdict, traces=quick.traces | deep.traces)


def _move_scores(scores: HeadScores, unique: str, text: str) -> HeadScores:
    """Return the scores of a text without repetitions with offsets into the text itself."""

    def move(start: int, end: int) -> tuple[int, int]:
        place = text.find(unique[start:end])
        return (place, place + end - start) if place >= 0 else (0, len(text))

    evidence = tuple(Evidence(e.layer, e.rule, *move(e.start, e.end)) for e in scores.verdict.evidence)
    verdict = dataclasses.replace(scores.verdict, evidence=evidence)
    return dataclasses.replace(scores, verdict=verdict, doubt=move(*scores.doubt))


def load_guard() -> None:
    """Load the rules and both models before the first verdict. Takes one or two seconds.

    Raises kit.authored.InvalidFile or ModelFileError for files that cannot be used.
    """
    load_rule_books()
    get_classifier()
    get_encoder()


@load_once
def get_classifier() -> Classifier:
    """Return the classifier, loaded once."""
    return Classifier()


@load_once
def get_encoder() -> "Encoder":
    """Return the encoder, loaded once."""
    from guard.encoder import Encoder  # noqa: PLC0415 - imports numpy and ONNX Runtime

    return Encoder()


def _judge_in_context(before: Sequence[str], last: str, alone: "_Reading") -> Verdict:
    """Judge a short message after the earlier ones, where that says more than any of them alone.

    This finds danger in messages such as "Is twelve a lot?" and "Of the sleeping pills", and hints that add up. A very
    short message is also read as the end of the one before it.
    """
    words, before = len(last.split()), before[-_CONTEXT_MESSAGES:]
    if not before or words > _SHORT_WORDS:
        return Verdict(layer=LAYER)
    is_of_concern = words <= _FEW_WORDS or alone.concern >= _CONCERN
    if not is_of_concern and all(_remember(text).concern < _CONCERN for text in reversed(before)):
        return Verdict(layer=LAYER)
    joined = f"{before[-1]}. {last}"
    by_words = get_classifier().read(joined)
    verdict = get_encoder().read_after(before, last, by_words).verdict
    if words <= _VERY_SHORT_WORDS:
        verdict = merge_verdicts(verdict, get_encoder().read(joined, by_words.doubt, by_words).verdict)
    known = max(alone.verdict, _remember(before[-1]).verdict, key=lambda verdict: verdict.level)
    if verdict.level < known.level or (
        verdict.level == known.level and not verdict.categories - known.categories
    ):
        return Verdict(layer=LAYER)
    return dataclasses.replace(verdict, evidence=(Evidence(LAYER, "together", 0, len(last)),), layer=LAYER)


def _judge_split_phrases(before: Sequence[str], last: str) -> Verdict:
    """Find rule phrases that begin in an earlier message and end in the last one."""
    verdicts = []
    for count in range(1, min(_MAX_JOINED_MESSAGES, len(before)) + 1):
        earlier = " ".join(before[-count:])
        begins = len(earlier) + 1
        for book in (input_rules(), care_rules()):
            verdict = judge(f"{earlier} {last}", book)
            across = [e for e in verdict.evidence if e.start < begins < e.end]
            verdicts += [
                Verdict(
                    rule.level, rule.categories, (Evidence(LAYER, rule.id, 0, e.end - begins),), layer=LAYER
                )
                for e in across
                for rule in book.rules
                if rule.id == e.rule
            ]
    return merge_verdicts(Verdict(layer=LAYER), *verdicts)


def _judge_accumulated_hints(before: Sequence[str], alone: "_Reading", last: str) -> Verdict:
    """Return the level of repeated hints. Empty if the last message has none."""
    danger, unsafe = alone.points
    if not danger and not unsafe:
        return Verdict(layer=LAYER)
    now_danger, now_unsafe, worth = danger, unsafe, 1.0
    for text in reversed(before):
        worth *= _FADES
        hint, unsafe_hint = _remember(text).points
        danger, unsafe = danger + worth * hint, unsafe + worth * unsafe_hint
    evidence = (Evidence(LAYER, "sum", 0, len(last)),)
    verdicts = [Verdict(layer=LAYER)]
    if now_danger and danger >= _HINTS_FROM:
        level = Level.STATED if danger >= _STATED_FROM and now_danger > _TRACE else Level.HINTS
        verdicts.append(Verdict(level, frozenset({Category.HOPELESSNESS}), evidence, layer=LAYER))
    if now_unsafe and unsafe >= _UNSAFE_FROM:
        verdicts.append(Verdict(Level.UNSAFE_HOME, frozenset({Category.UNSAFE_HOME}), evidence, layer=LAYER))
    # Only levels above that of the last message by itself.
    return merge_verdicts(*(v for v in verdicts if v.level > alone.verdict.level or not v.categories))


class _Reading(NamedTuple):
    """What a message was by itself: its verdict without evidence, its points for danger and for an unsafe home, and the
    probability that it is of any concern."""

    verdict: Verdict
    points: tuple[float, float]
    concern: float


def _read_alone(text: str) -> tuple[Verdict, _Reading]:
    """Judge a message by itself, and remember the reading, as it will soon be an earlier message."""
    scores = read_message(text)
    verdict = merge_verdicts(judge(text, input_rules()), judge(text, care_rules()), scores.verdict)
    concern = max((scores.probabilities.get(head, 0.0) for head in _OF_CONCERN), default=0.0)
    reading = _Reading(
        dataclasses.replace(verdict, evidence=()), _count_points(verdict, scores, text), concern
    )
    _readings[_hash(text)] = reading
    while len(_readings) > _MAX_REMEMBERED:
        with suppress(KeyError, StopIteration, RuntimeError):  # other threads may do the same
            del _readings[next(iter(_readings))]
    return verdict, reading


def _remember(text: str) -> _Reading:
    """Return the reading of an earlier message, which is read once per process as long as it is remembered."""
    reading = _readings.get(_hash(text))
    return reading if reading is not None else _read_alone(text)[1]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _count_points(verdict: Verdict, scores: HeadScores, text: str) -> tuple[float, float]:
    """Return a message's points for danger and for an unsafe home."""
    traces = scores.traces | judge(text, trace_rules()).categories
    own = Level.NONE if Category.ABOUT_SOMEONE_ELSE in verdict.categories else verdict.level
    danger = _POINTS.get(own, _TRACE if traces & DANGER_OR_STRESS else 0.0)
    return danger, _UNSAFE_POINTS.get(verdict.level, _TRACE if traces & UNSAFE else 0.0)
