"""Passages are ranked in memory as one plain SQL statement ranks them."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from courses.models import LessonWord, Passage
from courses.retrieval import passage_index as index
from courses.retrieval import search
from courses.retrieval.index import COMMON_WORD_WEIGHT, EMBEDDED_LANGUAGES, get_search_config
from courses.retrieval.search import MIN_SHARE, MIN_SHARE_ON_SUBJECT, MIN_SIMILARITY, rank_passages
from courses.retrieval.wording import get_wording
from encoders import EmbeddingTable, embed
from kit.sql import read_sql
from tests.courses.test_search import COVERED, UNCOVERED
from tests.courses.test_stemming import HOSTILE, LANGUAGES
from tests.courses.test_wording import ASKED, NOT_COVERED

pytestmark = pytest.mark.usefixtures("library")

ROOT = Path(__file__).resolve().parents[2]
QUESTION_SETS = ROOT / "benchmarks" / "lesson_questions"
RANKING = read_sql(__file__, "ranking_reference")
EMBEDDINGS = read_sql(__file__, "embeddings_reference")
FOR_CITATIONS: dict[str, Any] = {"most": 30}
FOR_MOST: dict[str, Any] = {"most": 200, "min_share": 0.05, "min_similarity": 0.2}


@pytest.fixture(autouse=True)
def _embed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both rankings use the same embedding; the network would take most of the time."""
    monkeypatch.setattr(search, "embed", embed_once)


@cache
def embed_once(text: str) -> bytes:
    return embed(text)


def read_benchmark_questions() -> list[str]:
    return [
        json.loads(line)["text"]
        for path in sorted(QUESTION_SETS.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


def write_misspelled_questions() -> Iterator[str]:
    """Yield questions of lesson words, many of them changed, the same ones in each run."""
    chance = random.Random(3)  # noqa: S311
    words = sorted(set(LessonWord.objects.values_list("word", flat=True)))
    for _ in range(25):
        question = []
        for _ in range(chance.randint(1, 50)):
            word = chance.choice(words)
            place = chance.randrange(len(word))
            if (kind := chance.random()) < 0.35:
                word = word[:place] + chance.choice("aeinstzáñ'_1") + word[place + chance.randint(0, 1) :]
            elif kind < 0.5:
                word += chance.choice(["s", "ing", "ed", "mente", "ción", "ly", "'s", "1e5", "_x"])
            question.append(word)
        yield " ".join(question)


def measure_similarity(words: list[str], language: str) -> dict[int, float]:
    if language not in EMBEDDED_LANGUAGES or not (embedding := embed_once(" ".join(words))):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(EMBEDDINGS, {"language": language})
        passages, embeddings = cursor.fetchone()
    nearest: defaultdict[int, float] = defaultdict(float)
    similarities = EmbeddingTable(embeddings).compute_similarities(embedding).tolist()
    for passage, similarity in zip(passages, similarities, strict=True):
        nearest[passage] = max(nearest[passage], similarity)
    return nearest


def rank_in_sql(
    question: str,
    *,
    most: int,
    language: str,
    min_share: float | None = None,
    min_similarity: float = MIN_SIMILARITY,
) -> tuple[list[str], str]:
    wording = get_wording(language)
    words = wording.simplify_words(question.replace("\0", " "))
    similarities = measure_similarity(words, language)
    parameters: dict[str, Any] = {
        "words": words,
        "near": list(similarities),
        "nearness": list(similarities.values()),
        "min_similarity": min_similarity,
        "ordinary_words": wording.ordinary,
        "language": language,
        "config": get_search_config(language),
        "in_text": index.TEXT_WEIGHT,
        "ordinary": COMMON_WORD_WEIGHT,
        "min_phrase_words": index.MIN_PHRASE_WORDS,
        "likeness": index.MIN_SPELLING_SIMILARITY,
        "likely": index.CORRECTED_WORD_WEIGHT,
        "min_share": min_share or (MIN_SHARE_ON_SUBJECT if wording.is_on_subject(words) else MIN_SHARE),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(RANKING, parameters)
        rows = cursor.fetchall()
    keys = Passage.objects.in_bulk([row[0] for row in rows])
    return [keys[pk].key for pk, _ in rows], rows[0][1] if rows else ""


def find_differences(questions: list[str], language: str, thresholds: dict[str, Any]) -> list[str]:
    different = []
    for question in questions:
        ranked = rank_passages(question, language=language, **thresholds)
        keys, highlight_query = rank_in_sql(question, language=language, **thresholds)
        if ranked.keys != keys or set(ranked.highlight_query.split(" | ")) != set(
            highlight_query.split(" | ")
        ):
            different.append(question)
    return different


@pytest.mark.parametrize("language", LANGUAGES)
class TestARanking:
    def test_of_a_benchmark_question_is_that_of_sql(self, language: str) -> None:
        assert find_differences(read_benchmark_questions(), language, FOR_MOST) == []

    def test_of_a_question_of_the_tests_is_that_of_sql(self, language: str) -> None:
        questions = [question for question, _ in COVERED] + UNCOVERED
        questions += [question for question, _ in ASKED] + NOT_COVERED
        assert find_differences(questions, language, FOR_CITATIONS) == []

    def test_of_hostile_and_misspelled_questions_is_that_of_sql(self, language: str) -> None:
        assert find_differences([*HOSTILE, *write_misspelled_questions()], language, FOR_MOST) == []
