"""Sentences of similar meaning have similar embeddings, even without a shared word."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoders import EmbeddingTable, ModelFileError, embed, embedding
from encoders.network import MODEL, WIDTH


def measure_similarity(text: str, other: str) -> float:
    return float(EmbeddingTable(embed(other)).compute_similarities(embed(text))[0])


@pytest.mark.parametrize(
    ("asked", "alike", "other"),
    [
        ("it invented a source that is not real", "the citation does not exist", "how do i bake bread"),
        ("my friend is in love with her chatbot", "she dates an AI", "what is the capital of Peru"),
        ("who can read my messages", "is this chat private", "why do cats purr"),
    ],
)
def test_what_means_alike_is_nearer_than_what_does_not(asked: str, alike: str, other: str) -> None:
    assert measure_similarity(asked, alike) > measure_similarity(asked, other) + 0.2


def test_a_sentence_is_nearest_to_itself() -> None:
    assert measure_similarity("why is the sky blue", "why is the sky blue") == pytest.approx(1, abs=1e-3)


def test_many_are_compared_at_once_in_their_order() -> None:
    texts = ["the sky is blue", "a car needs oil", "is this chat private"]
    similarities = EmbeddingTable(b"".join(map(embed, texts))).compute_similarities(
        embed("can anybody read this chat")
    )
    assert similarities.argmax() == 2
    assert len(similarities) == 3


def test_a_sense_is_a_byte_for_each_number() -> None:
    assert len(embed("hello")) == WIDTH


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u200b"])
def test_what_has_no_words_has_no_sense(text: str) -> None:
    assert embed(text) == b""


@pytest.mark.parametrize("text", ["\0", "’" * 9, "😀", "ß" * 5000, "a" * 100_000, "word " * 50_000])
def test_whatever_is_typed_takes_a_moment(text: str) -> None:
    embed("ready")
    began = time.perf_counter()
    assert len(embed(text)) in {0, WIDTH}
    assert time.perf_counter() - began < 2


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        copy = shutil.copytree(MODEL, tmp_path / "model")
        monkeypatch.setattr("encoders.network.MODEL", copy)
        embedding._network.clear()
        yield copy
        embedding._network.clear()

    @pytest.mark.parametrize("name", ["sense.json", "sense.onnx", "vocabulary.txt"])
    def test_a_missing_file_is_named(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(ModelFileError, match=name):
            embed("hello")

    @pytest.mark.parametrize("name", ["sense.onnx", "vocabulary.txt"])
    def test_another_file_than_the_card_names_is_refused(self, folder: Path, name: str) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(ModelFileError, match=name):
            embed("hello")

    def test_the_card_says_where_it_comes_from(self) -> None:
        card = json.loads((MODEL / "sense.json").read_text())
        assert card["model"] == "all-MiniLM-L6-v2"
        assert card["license"] == "Apache-2.0"
