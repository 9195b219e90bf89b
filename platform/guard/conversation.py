"""Judges a person's last message together with their earlier ones."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import encoders
from guard.classifier import Classifier
from guard.heads import HeadScores
from guard.identity import judge_identity, mask_identity
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

# Read by itself, because encoders.network imports ONNX Runtime.
_CARD = Path(encoders.__file__).with_name("model") / "guard.json"
PERSON_ROLE = "user"
LAYER = "conversation"
MAX_EARLIER_MESSAGES = 12
"""How many of a person's earlier messages count."""
_MAX_JOINED_MESSAGES = 2
"""How many earlier messages are joined to the last one, to find a phrase that spans them."""
_SHORT_WORDS = 40
"""A message of at most this many words is also read after the earlier ones."""
_CONTEXT_MESSAGES = 5
"""How many earlier messages a message is read after."""
_FEW_WORDS = 4
"""A message of at most this many words says little by itself, and is always read after the earlier ones."""
_VERY_SHORT_WORDS = 24
"""A message of at most this many words is also read as the end of the message before it."""
_MIN_CONCERN = 0.05
"""Below this probability of danger, a message by itself is of no concern. If the last message and the earlier ones are
all below it, they are not read together. On the measured talks in which danger adds up, this misses none."""
_CONCERN_HEADS = (CARD_HEAD, HINT_HEAD, UNSAFE_HEAD, Category.METHOD)
_HINT_DECAY = 0.8
"""The factor by which a hint weakens with each later message."""
_MAX_SUMMARIES = 20_000
"""How many messages a process keeps a summary of."""

# The points of one message, by its level. A trace by itself never reaches a level.
_TRACE_POINTS = 0.5
_DANGER_POINTS = {Level.STRESS: 0.6, Level.HINTS: 1.5, Level.STATED: 3.0, Level.ACUTE: 4.0}
_UNSAFE_POINTS = {Level.UNSAFE_HOME: 3.0}
# The sums of points from which a level holds: six messages of stress make a hint, three hints make a statement, and
# three traces of an unsafe home in a row make an unsafe home.
_HINTS_FROM, _STATED_FROM, _UNSAFE_FROM = 1.9, 3.6, 1.2

# Keyed by a hash of the message, because no one's words may stay in memory.
_summaries: dict[bytes, "_MessageSummary"] = {}


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
    *earlier, last = messages
    alone, summary = _judge_alone(last)
    verdicts = (
        judge_personal(last),
        judge_identity(last),
        _judge_split_phrases(earlier, last),
        _judge_accumulated_hints(earlier, summary, last),
    )
    read_earlier = [mask_identity(text) for text in earlier[-_CONTEXT_MESSAGES:]]
    return merge_verdicts(alone, *verdicts, _judge_in_context(read_earlier, mask_identity(last), summary))


def judge_by_rules(text: str) -> Verdict:
    """Judge one text by the rules alone: danger, refused requests, and personal details. Needs no model."""
    return merge_verdicts(judge(text, input_rules()), judge(text, care_rules()), judge_personal(text))


def judge_strictly(text: str) -> Verdict:
    """Judge a message by its traces of danger, for when the remote guard is unavailable: any trace is a hint.

    Otherwise a trace is too weak to act on, and `judge_conversation` only counts it together with earlier ones.
    """
    traces = read_message(mask_identity(text)).traces | judge(text, trace_rules()).categories
    categories = traces & (DANGER_OR_STRESS | UNSAFE)
    if not categories:
        return Verdict(layer=LAYER)
    return Verdict(Level.HINTS, frozenset(categories), (Evidence(LAYER, "trace", 0, len(text)),), layer=LAYER)


def read_message(text: str) -> HeadScores:
    """Score a message with both models, as a whole and in parts.

    Repeated sentences are read once: repeated often enough, any sentence alarms the encoder.
    """
    if (unique := drop_repeated_sentences(text)) != text:
        return _move_scores(read_message(unique), unique, text)
    by_classifier = get_classifier().read(text)
    by_encoder = get_encoder().read(text, by_classifier.doubt, by_classifier)
    verdict = by_encoder.verdict
    if not is_short(text):
        start, end = by_classifier.doubt
        # A text of several windows needs the same agreement as its parts.
        if by_classifier.traits.is_long and not has_agreement(by_classifier, by_encoder, text[start:end]):
            verdict = strip_danger(verdict)
        in_parts = judge_parts(
            text, get_classifier(), get_encoder(), is_read_whole=not by_classifier.traits.is_long
        )
        if in_parts.level >= verdict.level:
            # The evidence of a part is more exact.
            verdict = strip_danger(verdict)
        verdict = merge_verdicts(verdict, in_parts)
    return dataclasses.replace(by_encoder, verdict=verdict, traces=by_classifier.traces | by_encoder.traces)


def _move_scores(scores: HeadScores, unique: str, text: str) -> HeadScores:
    """Return the scores of a text without repetitions with offsets into the text itself."""

    def move(start: int, end: int) -> tuple[int, int]:
        position = text.find(unique[start:end])
        return (position, position + end - start) if position >= 0 else (0, len(text))

    evidence = tuple(
        Evidence(item.layer, item.rule, *move(item.start, item.end)) for item in scores.verdict.evidence
    )
    verdict = dataclasses.replace(scores.verdict, evidence=evidence)
    return dataclasses.replace(scores, verdict=verdict, doubt=move(*scores.doubt))


def load_guard() -> None:
    """Load the rules and both models before the first verdict. Takes one or two seconds.

    Raises kit.authored.InvalidFile or ModelFileError for files that cannot be used.
    """
    load_rule_books()
    get_classifier()
    get_encoder()


@cache
def get_guard_version() -> str:
    """Return the version of the encoder, which names that of the whole guard. Loads no network."""
    return str(json.loads(_CARD.read_text(encoding="utf-8"))["version"])


@load_once
def get_classifier() -> Classifier:
    """Return the classifier, loaded once."""
    return Classifier()


@load_once
def get_encoder() -> "Encoder":
    """Return the encoder, loaded once."""
    from guard.encoder import Encoder  # noqa: PLC0415 - imports numpy and ONNX Runtime

    return Encoder()


def _judge_in_context(earlier: Sequence[str], last: str, summary: "_MessageSummary") -> Verdict:
    """Judge a short message after the earlier ones. Empty if that finds no more than they show by themselves.

    This finds danger in messages such as "Is twelve a lot?" and "Of the sleeping pills", and hints that add up. A very
    short message is also read as the end of the one before it.
    """
    words, earlier = len(last.split()), earlier[-_CONTEXT_MESSAGES:]
    if not earlier or words > _SHORT_WORDS:
        return Verdict(layer=LAYER)
    is_of_concern = words <= _FEW_WORDS or summary.concern >= _MIN_CONCERN
    if not is_of_concern and all(_get_summary(text).concern < _MIN_CONCERN for text in reversed(earlier)):
        return Verdict(layer=LAYER)
    joined = f"{earlier[-1]}. {last}"
    by_classifier = get_classifier().read(joined)
    verdict = get_encoder().read_after(earlier, last, by_classifier).verdict
    if words <= _VERY_SHORT_WORDS:
        verdict = merge_verdicts(
            verdict, get_encoder().read(joined, by_classifier.doubt, by_classifier).verdict
        )
    strongest = max(summary.verdict, _get_summary(earlier[-1]).verdict, key=lambda verdict: verdict.level)
    if verdict.level < strongest.level or (
        verdict.level == strongest.level and not verdict.categories - strongest.categories
    ):
        return Verdict(layer=LAYER)
    return dataclasses.replace(verdict, evidence=(Evidence(LAYER, "together", 0, len(last)),), layer=LAYER)


def _judge_split_phrases(earlier: Sequence[str], last: str) -> Verdict:
    """Find rule phrases that begin in an earlier message and end in the last one."""
    verdicts = []
    for count in range(1, min(_MAX_JOINED_MESSAGES, len(earlier)) + 1):
        joined = " ".join(earlier[-count:])
        begins = len(joined) + 1
        for book in (input_rules(), care_rules()):
            verdict = judge(f"{joined} {last}", book)
            across = [item for item in verdict.evidence if item.start < begins < item.end]
            verdicts += [
                Verdict(
                    rule.level,
                    rule.categories,
                    (Evidence(LAYER, rule.id, 0, item.end - begins),),
                    layer=LAYER,
                )
                for item in across
                for rule in book.rules
                if rule.id == item.rule
            ]
    return merge_verdicts(Verdict(layer=LAYER), *verdicts)


def _judge_accumulated_hints(earlier: Sequence[str], summary: "_MessageSummary", last: str) -> Verdict:
    """Judge the sum of all hints, in which earlier ones count less. Empty if the last message has none."""
    danger, unsafe = summary.points
    if not danger and not unsafe:
        return Verdict(layer=LAYER)
    now_danger, now_unsafe, weight = danger, unsafe, 1.0
    for text in reversed(earlier):
        weight *= _HINT_DECAY
        hint, unsafe_hint = _get_summary(text).points
        danger, unsafe = danger + weight * hint, unsafe + weight * unsafe_hint
    evidence = (Evidence(LAYER, "sum", 0, len(last)),)
    verdicts = [Verdict(layer=LAYER)]
    if now_danger and danger >= _HINTS_FROM:
        level = Level.STATED if danger >= _STATED_FROM and now_danger > _TRACE_POINTS else Level.HINTS
        verdicts.append(Verdict(level, frozenset({Category.HOPELESSNESS}), evidence, layer=LAYER))
    if now_unsafe and unsafe >= _UNSAFE_FROM:
        verdicts.append(Verdict(Level.UNSAFE_HOME, frozenset({Category.UNSAFE_HOME}), evidence, layer=LAYER))
    # Keep only what is above the level of the last message by itself.
    return merge_verdicts(
        *(found for found in verdicts if found.level > summary.verdict.level or not found.categories)
    )


class _MessageSummary(NamedTuple):
    """What a message says by itself.

    That is its verdict without evidence, its points for danger and for an unsafe home, and the probability that it is
    of any concern.
    """

    verdict: Verdict
    points: tuple[float, float]
    concern: float


def _judge_alone(text: str) -> tuple[Verdict, _MessageSummary]:
    """Judge a message by itself, and keep its summary for when it is an earlier message."""
    masked = mask_identity(text)
    scores = read_message(masked)
    read = scores.verdict
    if masked != text:
        # Hate against oneself, or quoted, is for the rules: the networks find it in the topic.
        read = dataclasses.replace(read, categories=read.categories - {Category.HATE})
    verdict = merge_verdicts(judge(text, input_rules()), judge(text, care_rules()), read)
    concern = max((scores.probabilities.get(head, 0.0) for head in _CONCERN_HEADS), default=0.0)
    summary = _MessageSummary(
        dataclasses.replace(verdict, evidence=()), _count_points(verdict, scores, text), concern
    )
    _summaries[_hash(text)] = summary
    while len(_summaries) > _MAX_SUMMARIES:
        with suppress(KeyError, StopIteration, RuntimeError):  # other threads may do the same
            del _summaries[next(iter(_summaries))]
    return verdict, summary


def _get_summary(text: str) -> _MessageSummary:
    """Return the summary of an earlier message. Judges the message again if this process no longer has its summary."""
    summary = _summaries.get(_hash(text))
    return summary if summary is not None else _judge_alone(text)[1]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _count_points(verdict: Verdict, scores: HeadScores, text: str) -> tuple[float, float]:
    """Return a message's points for danger and for an unsafe home."""
    traces = scores.traces | judge(text, trace_rules()).categories
    own = Level.NONE if Category.ABOUT_SOMEONE_ELSE in verdict.categories else verdict.level
    danger = _DANGER_POINTS.get(own, _TRACE_POINTS if traces & DANGER_OR_STRESS else 0.0)
    return danger, _UNSAFE_POINTS.get(verdict.level, _TRACE_POINTS if traces & UNSAFE else 0.0)
