"""A person can search their own questions and answers, newest first, and the search text is never logged."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from chat.models import Turn, TurnState
from chat.web.search import build_results, clean_search, find_turns
from tests.chat.conversations import create_conversation, create_turns

AsPerson = Callable[[Person], Client]
SEARCH = "/tutor/conversations"


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


def create_turn(
    person: Person, question: str, answer: str = "", *, title: str = "A talk", **fields: Any
) -> Turn:
    conversation = create_conversation(person, 0, title=title)
    [turn] = create_turns(conversation, 1, start=timezone.now(), question=question, answer=answer, **fields)
    return turn


def search_questions(person: Person, words: str) -> list[str]:
    return [turn.question for turn in find_turns(person, clean_search(words)).order_by("-asked_at")]


class TestWords:
    @pytest.mark.parametrize(
        "words",
        [
            "photosynthesis", "PHOTO", "synth", "how photo", "photo how", "  photo \t how ", "leaf light",
            "don't", "don’t", "50%", "C++", "[x]", "fotosíntesis", "fotosintesis", "FOTOSÍNTESIS", "ano", "año",
            "fotosi\u0301ntesis", "Zürich", "zurich",
        ],
    )  # fmt: skip
    def test_are_found_in_any_case_inside_words_with_or_without_accents(
        self, words: str, teen: Person
    ) -> None:
        create_turn(
            teen,
            "How does photosynthesis work? I don’t get C++ and [x] at 50%",
            "A leaf takes light. La fotosíntesis dura todo el año, también en ZÜRICH.",
        )
        assert len(search_questions(teen, words)) == 1

    def test_are_found_where_the_accent_was_typed_as_a_letter_of_its_own(self, teen: Person) -> None:
        create_turn(teen, "Que\u0301 es la gravitacio\u0301n")
        assert search_questions(teen, "qué gravitación")
        assert search_questions(teen, "gravitacion")

    @pytest.mark.parametrize("words", ["Привет", "привет", "λόγος", "日本", "한국", "🌧"])
    def test_of_other_scripts_are_found(self, words: str, teen: Person) -> None:
        create_turn(teen, "Привет λόγος 日本語 한국어 🌧")
        assert len(search_questions(teen, words)) == 1

    @pytest.mark.parametrize(
        "words",
        ["%%", "_ _", "..", ".*", "(?i)", "***:a", "\\d", "a|b", "x" * 100, "photo moon", "\\", "[^a]"],
    )
    def test_are_words_and_no_pattern(self, words: str, teen: Person) -> None:
        create_turn(teen, "How does photosynthesis work?", "By light.")
        assert search_questions(teen, words) == []

    @pytest.mark.parametrize(
        "words", ["a_b", "100%", "(why)", "^x", "$5", "{2}", "a\\b", "“quoted”", "***:z"]
    )
    def test_with_signs_are_found_as_they_were_typed(self, words: str, teen: Person) -> None:
        create_turn(teen, f"Is {words} here")
        assert len(search_questions(teen, words)) == 1

    def test_of_a_title_find_the_beginning_of_its_conversation_once(self, teen: Person) -> None:
        conversation = create_conversation(teen, 3, title="My volcano project")
        assert [turn.question for turn in find_turns(teen, "volcano")] == ["Question 0"]
        Turn.objects.filter(conversation=conversation, question="Question 0").update(
            question="Is a volcano hot?"
        )
        assert search_questions(teen, "volcano") == ["Is a volcano hot?"]


class TestOwnership:
    def test_only_own_turns_are_found(self, teen: Person, stranger: Person) -> None:
        create_turn(stranger, "A secret of mine", title="A secret")
        assert search_questions(teen, "secret") == []
        assert search_questions(stranger, "secret") == ["A secret of mine"]

    def test_sealed_conversations_are_not_found(self, teen: Person) -> None:
        create_turn(teen, "A secret of mine", title="A secret")
        teen.sealed_before = timezone.now()
        assert search_questions(teen, "secret") == []

    def test_a_turn_that_was_tried_again_is_not(self, teen: Person) -> None:
        failed = create_turn(teen, "Why is the moon grey?", state=TurnState.FAILED)
        create_turns(
            failed.conversation, 1, start=timezone.now(), question="Why is the moon grey?", retry_of=failed
        )
        failed.replaced_by = failed.retries.get()
        failed.save(update_fields=["replaced_by"])
        assert len(search_questions(teen, "moon")) == 1

    def test_a_card_s_question_is_found_by_its_writer_and_no_answer_of_it(self, teen: Person) -> None:
        create_turn(teen, "I want to die", "Words that no page shows", state=TurnState.CARDED, level="4")
        assert search_questions(teen, "want to die") == ["I want to die"]
        assert search_questions(teen, "no page") == []

    @pytest.mark.parametrize("who", ["parent", "stranger", "admin_person"])
    def test_no_one_else_finds_them(
        self, who: str, teen: Person, as_person: AsPerson, request: pytest.FixtureRequest
    ) -> None:
        create_turn(teen, "A secret of mine")
        page = as_person(request.getfixturevalue(who)).get(SEARCH, {"q": "secret"}).content.decode()
        assert "No results for “secret”" in page
        assert "of mine" not in page


class TestThePage:
    def test_shows_the_conversation_its_date_and_the_match_and_links_there(
        self, owner: Client, teen: Person
    ) -> None:
        conversation = create_conversation(teen, 120, title="A long one")
        old = conversation.turns.get(question="Question 3")
        Turn.objects.filter(pk=old.pk).update(answer="Far away a **volcano** sleeps & snores.")
        page = owner.get(SEARCH, {"q": "volc"}).content.decode()
        assert "Far away a <mark>volc</mark>ano sleeps &amp; snores." in page
        assert "A long one" in page
        way = re.search(r'href="(/tutor/[^"]+\?at=[^"#]+)#(turn-[^"]+)"', page)
        assert way
        assert f'id="{way[2]}"' in owner.get(way[1]).content.decode()

    def test_continues_newest_first(self, owner: Client, teen: Person) -> None:
        create_conversation(teen, 45)
        seen, address = [], f"{SEARCH}?q=question"
        while address:
            page = owner.get(address).content.decode()
            seen += [int(number) for number in re.findall(r"<mark>Question</mark> (\d+)", page)]
            older = re.search(r'href="(\?q=question&amp;before=[^"]+)"', page)
            address = SEARCH + older[1].replace("&amp;", "&") if older else ""
        assert seen == list(range(44, -1, -1))

    @pytest.mark.parametrize(
        "words", ["<script>alert(1)</script>", '" onfocus="x', "{{ 7*7 }}", "&lt;b&gt;", "</mark>"]
    )
    def test_shows_hostile_words_as_text(self, words: str, owner: Client, teen: Person) -> None:
        create_turn(teen, f"What is {words} then?")
        page = owner.get(SEARCH, {"q": words}).content.decode()
        assert "<script>alert" not in page
        assert 'onfocus="x' not in page.replace("&quot;", "'")
        assert page.count("<mark>") == page.count("</mark>") >= 1

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ("a", "Type at least two letters"),
            ("zebra", "No results for “zebra”"),
            (" \0 ", "All conversations"),
        ],
    )
    def test_says_when_there_is_nothing(self, words: str, message: str, owner: Client, teen: Person) -> None:
        create_turn(teen, "A question")
        assert message in owner.get(SEARCH, {"q": words}).content.decode()

    def test_reads_a_hundred_letters_and_no_more(self, owner: Client, teen: Person) -> None:
        create_turn(teen, "y" * 100)
        page = owner.get(SEARCH, {"q": "y" * 5000}).content.decode()
        assert f"<mark>{'y' * 100}</mark>" in page

    def test_costs_the_same_however_much_is_found(
        self, owner: Client, teen: Person, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        create_conversation(teen, 45)
        with django_assert_num_queries(3):
            owner.get(SEARCH, {"q": "question"})

    @pytest.mark.parametrize("words", ["I want to die", "rain " * 40 + "I want to kill myself tonight"])
    def test_shows_the_help_card_above_what_was_found(self, words: str, owner: Client, teen: Person) -> None:
        create_turn(teen, "I want to die", state=TurnState.CARDED, level="4")
        page = owner.get(SEARCH, {"q": words}).content.decode()
        assert "988" in page
        assert ("<mark>want</mark>" in page) == (len(words) < 100)

    def test_shows_it_also_to_a_person_who_searches_too_often(self, owner: Client) -> None:
        replies = [owner.get(SEARCH, {"q": "I want to die"}) for _ in range(32)]
        assert "988" in replies[-1].content.decode()

    def test_is_slowed_down_for_a_program(self, owner: Client) -> None:
        codes = [owner.get(SEARCH, {"q": f"word {number}"}).status_code for number in range(32)]
        assert codes[0] == 200
        assert codes[-1] == 429

    def test_search_text_is_never_logged(
        self, owner: Client, teen: Person, caplog: pytest.LogCaptureFixture
    ) -> None:
        create_turn(teen, "A question")
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("django.db.backends").setLevel(logging.INFO)
            owner.get(SEARCH, {"q": "xylophone"})
        assert "xylophone" not in caplog.text

    def test_by_a_visitor_asks_for_sign_in(self, client: Client, db: None) -> None:
        assert client.get(SEARCH, {"q": "secret"}).status_code == 302


class TestAnExcerpt:
    def excerpt(self, teen: Person, words: str, question: str, answer: str = "") -> str:
        create_turn(teen, question, answer)
        turns = list(find_turns(teen, words))
        [hit] = build_results(turns, words)
        return hit.excerpt

    def test_is_short_and_around_what_was_found(self, teen: Person) -> None:
        shown = self.excerpt(teen, "needle", "why", "hay " * 200 + "needle " + "straw " * 200)
        assert "<mark>needle</mark>" in shown
        assert shown.startswith("… hay")
        assert shown.endswith("straw …")
        assert len(shown) < 230

    def test_of_a_text_without_blanks_is_short(self, teen: Person) -> None:
        assert len(self.excerpt(teen, "needle", "x" * 900 + "needle" + "y" * 900)) < 230

    def test_is_plain_words_of_an_answer_in_markdown(self, teen: Person) -> None:
        answer = "# Rain\n\n- **Clouds** are `made` of [drops](https://example.org/x).\n> They *fall*."
        shown = self.excerpt(teen, "drops", "why", answer)
        assert shown == "Rain - Clouds are made of <mark>drops</mark>. They fall."
