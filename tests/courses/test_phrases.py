"""Search phrases find a lesson from the situation that a person is in."""

from collections import Counter

import pytest
from django.test import Client
from django.urls import reverse

from courses.authoring.modules import read_library
from courses.library.results import search_lessons
from courses.models import Passage, Phrase
from courses.retrieval.index import index_passages
from courses.retrieval.search import find_passages

PHRASE = "my goldfish ate the remote control"
LEAST = 8


@pytest.fixture
def passage(library: None) -> Passage:
    return Passage.objects.get(language="en", key="good-and-bad/what-it-is#chance")


def add_phrases(passage: Passage, *phrases: str) -> None:
    Phrase.objects.bulk_create(Phrase(passage=passage, text=phrase) for phrase in phrases)
    index_passages()


def find_keys(question: str) -> list[str]:
    return [passage.key for passage in find_passages(question)]


def test_a_phrase_finds_what_no_lesson_says(passage: Passage) -> None:
    assert find_keys(PHRASE) == []
    add_phrases(passage, PHRASE)
    assert find_keys(PHRASE) == [passage.key]
    assert find_keys("help, the goldfish just ate my remote") == [passage.key]


def test_one_word_of_a_phrase_is_not_enough(passage: Passage) -> None:
    add_phrases(passage, PHRASE)
    assert find_keys("is a goldfish a mammal") == []


def test_words_of_two_phrases_are_not_combined(passage: Passage) -> None:
    add_phrases(passage, "my goldfish is upset", "where is the umbrella stand")
    assert find_keys("goldfish umbrella") == []


def test_more_phrases_do_not_rank_higher(passage: Passage) -> None:
    other = Passage.objects.get(language="en", key="good-and-bad/what-it-is#nobody")
    add_phrases(
        passage, PHRASE, "my goldfish hid the remote control", "goldfish and the remote", "a goldfish ate it"
    )
    add_phrases(other, "the goldfish ate my remote control at breakfast", PHRASE + " whole")
    before = find_keys("the goldfish ate my remote control at breakfast")
    add_phrases(
        passage, *(f"goldfish remote control breakfast number{n} story{n} again{n}" for n in range(20))
    )
    assert before[0] == find_keys("the goldfish ate my remote control at breakfast")[0] == other.key


def test_phrases_and_questions_are_normalized_alike(library: None) -> None:
    assert Phrase.objects.filter(text__contains="chatbot").exists()
    assert not Phrase.objects.filter(text__regex=r"\ybots?\y", passage__language="en").exists()


@pytest.mark.parametrize(
    ("question", "lesson"),
    [
        ("it made up a book for my essay", "good-at-and-bad-at"),
        ("can they see what i type", "good-at-and-bad-at"),
        ("turnitin flagged me", "bias-in-bias-out"),
        ("the update ruined him", "what-company-costs"),
        ("he slams the door", "talk-about-it"),
        ("they asked me to pay for training first", "asking-for-work"),
    ],
)
def test_a_situation_finds_its_lesson(question: str, lesson: str, library: None) -> None:
    assert lesson in {passage.key.split("/")[1].partition("#")[0] for passage in find_passages(question)}


def test_the_search_page_uses_phrases_without_showing_them(client: Client, library: None) -> None:
    phrase = "turnitin flagged me"
    assert search_lessons(phrase)[0].name == ("good-and-bad", "bias-in-bias-out")
    page = client.get(reverse("courses:lesson", args=["good-and-bad", "bias-in-bias-out"]))
    assert phrase not in page.content.decode()


def test_every_lesson_is_asked_for_in_several_ways() -> None:
    counted: Counter[tuple[str, str, str]] = Counter()
    for module in read_library():
        for lesson in module.lessons:
            written = sum(len(section.phrases) for section in lesson.sections)
            counted[module.language, module.slug, lesson.slug] = written
    assert {name: count for name, count in counted.items() if count < LEAST} == {}
