"""A small transformer: an ONNX graph and its WordPiece vocabulary."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from encoders.card import ModelCard, read_card, read_model_file
from encoders.wordpiece import TokenRun, WordPiece

type FloatArray = NDArray[np.float32]

MODEL = Path(__file__).parent / "model"
VOCABULARY = "vocabulary.txt"
"""All networks share one vocabulary."""
LAYERS, WIDTH, ATTENTION_HEADS = 6, 384, 12
PIECES, BEGIN = "pieces", "begin"
"""The network's inputs: WordPiece ids, and, if it reads texts after earlier ones, where the text begins in them."""
EXIT_BELOW = "exit_below"
"""The third input of a network with an early exit: if the log-odds of its exit head are below it, the last layers are
not run."""
_NO_EXIT = np.array([-np.inf], np.float32)


class Network[C: ModelCard]:
    """Runs a graph with ONNX Runtime. Its matrices are quantized to signed bytes, and it has one output.

    Its files in `folder` are the card `name`.json, the graph `name`.onnx and the vocabulary. Raises ModelFileError if
    they do not match the card, or if the card is not one of type `card`.
    """

    def __init__(self, folder: Path, name: str, card: type[C]) -> None:
        self.card = read_card(folder / f"{name}.json", card)
        graph, vocabulary = (
            read_model_file(folder / file, sha256=self.card.sha256.get(file), card=f"{name}.json")
            for file in (f"{name}.onnx", VOCABULARY)
        )
        self._session = onnxruntime.InferenceSession(
            graph,
            _build_session_options(),
            providers=["CPUExecutionProvider"],
            # On a processor the fused operator takes longer than the two that it replaces.
            disabled_optimizers=["SkipLayerNormFusion"],
        )
        self._word_piece = WordPiece(vocabulary.decode().split("\n"))
        inputs = {node.name for node in self._session.get_inputs()}
        self._reads_context, self._has_exit = BEGIN in inputs, EXIT_BELOW in inputs
        (output,) = self._session.get_outputs()
        self._output: str = output.name
        self.width: int = output.shape[1]

    def tokenize(self, text: str) -> TokenRun | None:
        """Return the first run of a text's pieces, about 64 words; None if it has no words."""
        return self._word_piece.tokenize(text)

    def tokenize_after(self, earlier: Sequence[str], text: str) -> TokenRun | None:
        """Return the first run of a text with earlier texts before it; None if the text has no words."""
        return self._word_piece.tokenize_after(earlier, text)

    def tokenize_all(self, text: str) -> Iterator[TokenRun]:
        """Yield all of a text's pieces, in as many runs as the network needs."""
        return self._word_piece.tokenize_all(text)

    def run(self, tokens: TokenRun) -> FloatArray:
        """Return the output for one run: `width` numbers."""
        output: FloatArray = self._run(tokens, _NO_EXIT)[0]
        return output

    def run_or_exit(self, tokens: TokenRun, *, below: float) -> FloatArray | None:
        """Return the output, or None if the exit head's log-odds are below `below` after the first layers.

        Only for a network with an early exit (Teerapittayanon et al., 2016).
        """
        rows = self._run(tokens, np.array([below], np.float32))
        return rows[0] if len(rows) else None

    def _run(self, tokens: TokenRun, exit_below: FloatArray) -> FloatArray:
        """Return one row of output, or none after an early exit."""
        inputs = {PIECES: np.array([tokens.token_ids])}
        if self._reads_context:
            inputs[BEGIN] = np.array([tokens.begin])
        if self._has_exit:
            inputs[EXIT_BELOW] = exit_below
        rows: FloatArray = self._session.run([self._output], inputs)[0]
        return rows


def _build_session_options() -> onnxruntime.SessionOptions:
    """Use one thread: a message is small, and more threads compete with the server's."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options
