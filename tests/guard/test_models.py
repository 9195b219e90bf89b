"""The shipped models: their files match their cards, and the exported models behave like the trained ones."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from encoders import ModelFileError
from encoders.network import LAYERS, PIECES, WIDTH
from encoders.network import MODEL as ENCODER_MODEL
from encoders.wordpiece import MAX_PIECES, WordPiece
from guard import Category, Level, judge_input
from guard.classifier import MODEL, Classifier
from guard.conversation import read_message
from guard.encoder import ODDS_OUTPUT, Encoder
from training.examples import HEADS
from training.messages import draw_messages
from training.written import read_written_messages

VOCABULARY = (ENCODER_MODEL / "vocabulary.txt").read_text(encoding="utf-8").split("\n")


def load_models(folder: Path) -> tuple[Classifier, Encoder]:
    return Classifier(folder), Encoder(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of both models, in one folder."""
    shutil.copytree(ENCODER_MODEL, tmp_path / "model")
    return shutil.copytree(MODEL, tmp_path / "model", dirs_exist_ok=True)


class TestFiles:
    @pytest.mark.parametrize("name", ["weights.bin", "guard.onnx", "vocabulary.txt"])
    def test_another_file_than_the_card_names_is_refused(self, folder: Path, name: str) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(ModelFileError, match=name):
            load_models(folder)

    @pytest.mark.parametrize(
        "name", ["model.json", "weights.bin", "guard.json", "guard.onnx", "vocabulary.txt"]
    )
    def test_a_missing_file_is_named(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(ModelFileError, match=name):
            load_models(folder)

    @pytest.mark.parametrize("name", ["model.json", "guard.json"])
    def test_a_card_without_heads_is_refused(self, folder: Path, name: str) -> None:
        card = json.loads((folder / name).read_text())
        del card["heads"], card["version"]
        (folder / name).write_text(json.dumps(card))
        with pytest.raises(ModelFileError, match=rf"(?s){name}.*“heads” is missing.*“version” is missing"):
            load_models(folder)

    def test_heads_of_other_features_are_refused(self, folder: Path) -> None:
        card = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(card | {"features": -1}))
        with pytest.raises(ModelFileError, match="features"):
            Classifier(folder)

    def test_an_encoder_with_other_heads_is_refused(self, folder: Path) -> None:
        card = json.loads((folder / "guard.json").read_text())
        (folder / "guard.json").write_text(json.dumps(card | {"heads": card["heads"][1:]}))
        with pytest.raises(ModelFileError, match="heads"):
            Encoder(folder)

    def test_both_cards_name_all_that_was_learned_from(self, folder: Path) -> None:
        for name in ("model.json", "guard.json"):
            data = json.loads((folder / name).read_text())["data"]
            assert {
                "teen_set/open.jsonl",
                "guard/messages.toml",
                "rules/en.toml",
                "written/danger.toml",
            } <= set(data)
            assert not any("blind" in file for file in data)

    def test_they_are_small(self) -> None:
        files = [*MODEL.iterdir(), *ENCODER_MODEL.glob("guard.*"), ENCODER_MODEL / "vocabulary.txt"]
        assert sum(file.stat().st_size for file in files) < 30_000_000


class TestWordPiece:
    split = WordPiece(VOCABULARY)

    def pieces(self, text: str) -> list[str]:
        pieces = self.split.read(text)
        assert pieces
        return [VOCABULARY[number] for number in pieces.numbers]

    def test_pieces_are_between_two_marks(self) -> None:
        assert self.pieces(" I'm ＴＩＲＥＤ of th\u200bis") == [
            "[CLS]",
            "i",
            "'",
            "m",
            "tired",
            "of",
            "this",
            "[SEP]",
        ]

    def test_a_long_word_is_split(self) -> None:
        pieces = self.pieces("unfathomableness")[1:-1]
        assert "".join(piece.removeprefix("##") for piece in pieces) == "unfathomableness"

    @pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u200b"])
    def test_what_has_no_words_has_no_pieces(self, text: str) -> None:
        assert self.split.read(text) is None

    def test_a_long_text_ends_between_two_words(self) -> None:
        text = "and so on unfathomableness " * 200
        pieces = self.split.read(text)
        assert pieces
        assert len(pieces.numbers) <= MAX_PIECES + 2
        assert text[pieces.end] == " "


class TestEncoder:
    def test_it_reads_what_no_rule_names(self) -> None:
        text = "i have started to picture the world after i'm dead and it looks calm"
        message = read_message(text)
        assert judge_input(text).level == Level.NONE
        assert message.verdict.level >= Level.HINTS

    def test_ordinary_messages_are_left_alone(self) -> None:
        assert (
            read_message("how do i find the slope of a line through two points").verdict.level == Level.NONE
        )

    def test_nothing_is_read_in_nothing(self) -> None:
        assert read_message("").verdict.level == Level.NONE

    def test_it_reads_the_worrying_part_of_a_long_text(self) -> None:
        ordinary = "the teacher explained how a volcano works and then we drew one. " * 20
        text = f"{ordinary} i cannot bear to be alive for one more day. {ordinary}"
        message = read_message(text)
        start, end = message.doubt
        assert "alive" in text[start:end]
        assert message.verdict.is_crisis


class TestTraining:
    @pytest.fixture
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The weights of an untrained network with a small vocabulary."""
        chance = np.random.default_rng(1)
        shapes = {"words": (200, WIDTH), "places": (96, WIDTH), "heads": (len(HEADS), WIDTH)}
        for layer in map(str, range(LAYERS)):
            shapes |= {
                f"{layer}.asked": (3 * WIDTH, WIDTH),
                f"{layer}.mixed": (WIDTH, WIDTH),
                f"{layer}.inner": (4 * WIDTH, WIDTH),
                f"{layer}.outer": (WIDTH, 4 * WIDTH),
            }
        made = dict[str, NDArray[np.float32]]()
        for name, shape in shapes.items():
            values = chance.normal(0, 0.05, shape).astype(np.float32)
            is_table = name in {"words", "places"}
            made |= {name: values} if is_table else {f"{name}.weight": values, f"{name}.bias": values[:, 0]}
        for name in ("embeddings", *(f"{n}.{kind}" for n in range(LAYERS) for kind in ("attended", "out"))):
            made |= {f"{name}.norm": np.ones(WIDTH, np.float32), f"{name}.shift": np.zeros(WIDTH, np.float32)}
        return made

    @staticmethod
    def run(network: bytes, pieces: list[list[int]]) -> NDArray[np.float32]:
        session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
        odds: NDArray[np.float32] = session.run([ODDS_OUTPUT], {PIECES: np.array(pieces)})[0]
        return odds

    def test_the_network_that_is_tuned_is_the_one_that_runs(
        self, weights: dict[str, NDArray[np.float32]]
    ) -> None:
        import jax.numpy as jnp

        from training.encoder import forward
        from training.graph import build_graph, quantize_graph

        pieces = [[101 % 200, 7, 8, 9, 150, 12], [5, 6, 7, 8, 9, 10]]
        tuned = np.asarray(forward({k: jnp.asarray(v) for k, v in weights.items()}, jnp.asarray(pieces)))
        model = build_graph(weights, ODDS_OUTPUT)
        assert np.abs(self.run(model.SerializeToString(), pieces) - tuned).max() < 1e-4
        in_small = self.run(quantize_graph(model), pieces)
        assert np.abs(in_small - tuned).max() < 0.1 * np.abs(tuned).max()

    def test_the_same_messages_make_the_same_head(self) -> None:
        from training.fit import Table, fit_head

        def made() -> tuple[object, bytes]:
            chance = random.Random(5)  # noqa: S311
            examples = [*list(draw_messages(chance))[::200], *list(read_written_messages())[::10]]
            return fit_head(Table(examples), Category.SUICIDE)

        assert made() == made()

    def test_no_message_of_the_blind_half_that_worries_is_trained_on(self, tmp_path: Path) -> None:
        from training.__main__ import gather_examples

        items = [
            json.loads(line) for line in Path("benchmarks/teen_set/blind.jsonl").read_text().splitlines()
        ]
        blind = {item.get("text") for item in items if item["level"] != Level.NONE}
        for name in (
            "moderation",
            "ailuminate",
            "hatecheck",
            "harmbench",
            "jailbreaks",
            "injections",
            "counsel",
            "mmlu",
        ):
            (tmp_path / f"{name}.jsonl").touch()
        examples, _ = gather_examples(tmp_path)
        assert not blind & {example.text for example in examples}
