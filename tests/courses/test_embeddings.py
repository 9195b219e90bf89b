"""A lesson is found by the meaning of a question, without a shared word."""

import pytest
from django.test import Client

from courses.authoring.loading import load_library
from courses.library.results import search_lessons
from courses.models import Passage, Phrase
from courses.retrieval.index import index_passages
from courses.retrieval.search import find_passages

PHRASE = "my kitten is afraid of storms"
ALIKE = "cats are frightened by thunder"


@pytest.fixture
def passage(library: None) -> Passage:
    return Passage.objects.get(language="en", key="good-and-bad/what-it-is#chance")


def add_phrase(passage: Passage, phrase: str) -> None:
    Phrase.objects.create(passage=passage, text=phrase)
    index_passages()


def find_keys(question: str, language: str = "en") -> list[str]:
    return [passage.key for passage in find_passages(question, language=language)]


def test_a_passage_is_found_by_other_words(passage: Passage) -> None:
    assert find_keys(ALIKE) == []
    add_phrase(passage, PHRASE)
    assert find_keys(ALIKE) == [passage.key]


def test_the_search_page_finds_it_without_marks(passage: Passage) -> None:
    add_phrase(passage, PHRASE)
    (result,) = search_lessons(ALIKE)
    assert [hit.passage.key for hit in result.hits] == [passage.key]
    # From its own address, because searches are rate-limited by network.
    page = Client(REMOTE_ADDR="10.7.7.7").get("/learn/search", {"q": ALIKE}).content.decode()
    assert passage.title in page
    assert "<mark>" not in page


def test_a_match_by_words_and_meaning_comes_first(passage: Passage) -> None:
    other = Passage.objects.get(language="en", key="good-and-bad/what-it-is#nobody")
    add_phrase(passage, PHRASE)
    add_phrase(other, ALIKE)
    assert find_keys(ALIKE) == [other.key, passage.key]


@pytest.mark.parametrize(
    "question", ["how do i feed a kitten", "what is a storm drain", "photosynthesis equation"]
)
def test_a_different_meaning_is_not_found(question: str, passage: Passage) -> None:
    add_phrase(passage, PHRASE)
    assert find_keys(question) == []


def test_without_embeddings_search_uses_words_only(passage: Passage) -> None:
    add_phrase(passage, PHRASE)
    Phrase.objects.update(embedding=b"")
    Passage.objects.update(embedding=b"")
    assert find_keys(ALIKE) == []
    assert find_keys(PHRASE) == [passage.key]


def test_an_unsupported_language_has_no_embeddings(library: None) -> None:
    assert not Phrase.objects.filter(passage__language="es").exclude(embedding=b"").exists()
    assert not Phrase.objects.filter(passage__language="en", embedding=b"").exists()


def test_loading_twice_keeps_the_same_embeddings(library: None) -> None:
    senses = set(Phrase.objects.values_list("text", "embedding"))
    load_library()
    assert set(Phrase.objects.values_list("text", "embedding")) == senses
