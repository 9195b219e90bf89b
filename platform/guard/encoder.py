"""A small transformer that reads a message, or a sentence of an answer, as a whole. Model card: docs/guard-model.md.

It is MiniLM (Wang et al., 2020): six BERT layers (Devlin et al., 2019) of width 384, fine-tuned on the guard's data. It
reads a text after earlier ones: a message after the person's earlier messages, an answer's sentence after the question.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from encoders import ModelFileError
from encoders.network import MODEL, FloatArray, Network
from encoders.wordpiece import TokenRun
from guard.heads import HeadScores, build_empty_scores
from guard.levels import CARE, CARE_HEADS, REFUSED, judge_probabilities
from guard.model_cards import EncoderCard
from guard.verdict import Category, Evidence, Verdict

LAYER = "encoder"
NAME = "guard"
ODDS_OUTPUT = "odds"
"""The network's output: the log-odds of each head."""
ANSWER, ANSWER_PREFIX = "answer", "answer."
"""The head for an unsafe sentence of an answer, and the prefix of the heads for its kind."""
ANSWER_KINDS = {
    "eating": Category.EATING_DISORDER,
    "sexual": Category.SEXUAL,
    "weapons": Category.VIOLENCE,
    "hurting": Category.VIOLENCE,
    "hate": Category.HATE,
    "self_harm": Category.ENCOURAGEMENT,
    "contempt": Category.ENCOURAGEMENT,
    "drugs": Category.DRUGS,
    "crime": Category.CRIME,
    "companion": Category.ROMANCE,
    "isolation": Category.ISOLATION,
    "secrets": Category.SECRETS,
    "flattery": Category.FLATTERY,
    "human": Category.CLAIMS_HUMAN,
    "medical": Category.MEDICAL,
    "legal": Category.LEGAL,
    "injection": Category.INJECTION,
}
"""What a sentence's kind is called in a verdict."""
REQUIRED_HEADS = frozenset(
    {*CARE_HEADS, *CARE, *REFUSED, ANSWER, *(ANSWER_PREFIX + kind for kind in ANSWER_KINDS)}
)
"""The heads that a model must have."""

_END = re.compile(r"""[\s.,;:!?…"'”’»)\]]+\Z""")


class Encoder:
    """A model written by `training.encoder`. Raises ModelFileError if its files do not match its card."""

    def __init__(self, folder: Path = MODEL) -> None:
        self._network = Network(folder, NAME, EncoderCard)
        card = self._network.card
        self.version, self.thresholds, self.early_exit = card.version, card.thresholds, card.early_exit
        self.heads = [head.name for head in card.heads]
        self._temperatures = np.array([head.temperature for head in card.heads], np.float32)
        if self._network.width != len(self.heads) or not set(self.heads) >= REQUIRED_HEADS:
            raise ModelFileError(f"{NAME}.onnx does not fit the heads of {NAME}.json")

    def read(self, text: str, span: tuple[int, int], words: HeadScores) -> HeadScores:
        """Score the part `text[start:end]` of a text, of which the classifier has scored the `words`.

        It reads 64 words at a time, so a longer part takes several runs.
        """
        part = _strip_end(text[span[0] : span[1]])
        runs = [self._score(run) for run in self._network.tokenize_all(part)]
        if not runs:
            return build_empty_scores(LAYER)
        return self._build_scores(np.max(runs, axis=0), text, span, words)

    def read_after(self, earlier: Sequence[str], text: str, words: HeadScores) -> HeadScores:
        """Score a text's first 64 words after earlier texts, oldest first."""
        run = self._network.tokenize_after(earlier, _strip_end(text))
        if run is None:
            return build_empty_scores(LAYER)
        return self._build_scores(self._score(run), text, (0, len(text)), words)

    def judge_answer(self, question: str, sentence: str, *, may_exit: bool = False) -> Verdict:
        """Judge a sentence of an answer to a question: evidence and a category if a tutor must not say it.

        With `may_exit`, the last layers are not run for a sentence that looks harmless after the first ones.
        """
        run = self._network.tokenize_after([question], sentence)
        if run is None:
            return Verdict(layer=LAYER)
        below = self.early_exit.below if may_exit else -np.inf
        odds = self._network.run_or_exit(run, below=below)
        if odds is None:
            return Verdict(layer=LAYER)
        by_head = self._name_heads(self._compute_probabilities(odds))
        if by_head[ANSWER] < self.thresholds.answer:
            return Verdict(layer=LAYER)
        category = ANSWER_KINDS[max(ANSWER_KINDS, key=lambda kind: by_head[ANSWER_PREFIX + kind])]
        evidence = Evidence(LAYER, f"answer {category}", 0, len(sentence))
        return Verdict(
            categories=frozenset({category}), evidence=(evidence,), confidence=by_head[ANSWER], layer=LAYER
        )

    def count_pieces(self, text: str) -> int:
        """Return a text's number of WordPiece pieces; the time to read it is proportional."""
        return sum(len(run.token_ids) for run in self._network.tokenize_all(text))

    def _score(self, run: TokenRun) -> FloatArray:
        """Return the probability of each head."""
        return self._compute_probabilities(self._network.run(run))

    def _compute_probabilities(self, odds: FloatArray) -> FloatArray:
        return (1 / (1 + np.exp(-odds / self._temperatures))).astype(np.float32)

    def _name_heads(self, probabilities: FloatArray) -> dict[str, float]:
        return dict(zip(self.heads, map(float, probabilities), strict=True))

    def _build_scores(
        self, probabilities: FloatArray, text: str, span: tuple[int, int], words: HeadScores
    ) -> HeadScores:
        by_head = self._name_heads(probabilities)
        verdict = judge_probabilities(
            by_head,
            words.probabilities,
            self.thresholds,
            text=text[span[0] : span[1]],
            span=span,
            traits=words.traits,
            layer=LAYER,
        )
        traces = frozenset(c for c in Category if by_head.get(c, 0.0) >= self.thresholds.trace)
        return HeadScores(verdict, by_head, traces, words.traits, span)


def _strip_end(text: str) -> str:
    """Remove the punctuation at a text's end.

    In the training data ordinary messages end with it more often than messages about danger.
    """
    return _END.sub("", text)
