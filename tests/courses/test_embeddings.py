"""A lesson is found by what a question means, though it shares no word with the lesson."""

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


def asked(passage: Passage, phrase: str) -> None:
    Phrase.objects.create(passage=passage, text=phrase)
    index_passages()


def keys(question: str, language: str = "en") -> list[str]:
    return [found.key for found in find_passages(question, language=language)]


def test_in_other_words_it_is_found(passage: Passage) -> None:
    assert keys(ALIKE) == []
    asked(passage, PHRASE)
    assert keys(ALIKE) == [passage.key]


def test_on_the_search_page_too_with_nothing_marked(passage: Passage) -> None:
    asked(passage, PHRASE)
    (found,) = search_lessons(ALIKE)
    assert [hit.found.key for hit in found.hits] == [passage.key]
    # From an address of its own: searches from one place are counted, and other tests search too.
    page = Client(REMOTE_ADDR="10.7.7.7").get("/learn/search", {"q": ALIKE}).content.decode()
    assert passage.title in page
    assert "<mark>" not in page


def test_what_has_its_words_as_well_comes_first(passage: Passage) -> None:
    other = Passage.objects.get(language="en", key="good-and-bad/what-it-is#nobody")
    asked(passage, PHRASE)
    asked(other, ALIKE)
    assert keys(ALIKE) == [other.key, passage.key]


@pytest.mark.parametrize(
    "question", ["how do i feed a kitten", "what is a storm drain", "photosynthesis equation"]
)
def test_what_means_something_else_is_not_found(question: str, passage: Passage) -> None:
    asked(passage, PHRASE)
    assert keys(question) == []


def test_words_alone_count_where_no_sense_has_been_kept_yet(passage: Passage) -> None:
    asked(passage, PHRASE)
    Phrase.objects.update(embedding=b"")
    Passage.objects.update(embedding=b"")
    assert keys(ALIKE) == []
    assert keys(PHRASE) == [passage.key]


def test_and_in_a_language_that_the_network_does_not_know(library: None) -> None:
    assert not Phrase.objects.filter(passage__language="es").exclude(embedding=b"").exists()
    assert not Phrase.objects.filter(passage__language="en", embedding=b"").exists()


def test_loading_twice_keeps_the_same_senses(library: None) -> None:
    senses = set(Phrase.objects.values_list("text", "embedding"))
    load_library()
    assert set(Phrase.objects.values_list("text", "embedding")) == senses
