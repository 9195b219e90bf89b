"""The search page: public, without scripts, safe for any input, and never a dead end."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses import views
from courses.library.results import (
    MARK_END,
    MARK_START,
    MAX_QUERY_LENGTH,
    clean_query,
    render_marks,
    search_lessons,
)
from courses.models import Passage
from courses.retrieval.current_index import get_index
from courses.retrieval.index import index_passages
from kit.rate_limits import ClientRateLimit
from tests.markup import squeezed

PAGE = "/learn/search"
pytestmark = pytest.mark.usefixtures("library")


def read_page(client: Client, words: str) -> str:
    response = client.get(PAGE, {"q": words})
    assert response.status_code == 200
    return response.content.decode()


class TestResults:
    def test_passages_are_below_their_lesson_and_its_module(self) -> None:
        results = search_lessons("deepfake")
        assert results[0].lesson == "Faces that never were"
        assert results[0].module == "Social life, and machines that play a person"
        assert len({result.lesson for result in results}) == len(results)

    def test_a_link_leads_to_the_place_in_the_lesson(self, client: Client) -> None:
        passage = search_lessons("voice scam")[0].hits[0].passage
        assert passage.url == "/learn/social/faces-that-never-were#voice"
        assert f'href="{passage.url}"' in read_page(client, "voice scam")
        assert 'id="voice"' in client.get("/learn/social/faces-that-never-were").content.decode()

    def test_matching_words_are_marked(self, client: Client) -> None:
        assert re.search("<mark>[Dd]eepfakes?</mark>", read_page(client, "deepfakes"))

    @pytest.mark.parametrize(
        ("text", "begins", "ends"),
        [
            ("Zebra calls.", "<mark>Zebra</mark> calls.", "calls."),
            ("Nothing yet. " * 60 + "Zebra calls. " + "Nothing more. " * 60, "… ", " …"),
        ],
    )
    def test_an_excerpt_says_where_it_was_cut(self, text: str, begins: str, ends: str) -> None:
        Passage.objects.filter(key__endswith="#voice").update(text=text)
        index_passages()
        [hit] = search_lessons("zebra")[0].hits
        assert hit.excerpt.startswith(begins)
        assert hit.excerpt.endswith(ends)
        assert "<mark>Zebra</mark>" in hit.excerpt

    def test_common_words_are_not_marked(self) -> None:
        excerpts = "".join(
            hit.excerpt for result in search_lessons("what can I do about bias") for hit in result.hits
        )
        assert set(re.findall("<mark>(.+?)</mark>", excerpts.lower())) <= {"bias", "biased", "biases"}

    def test_a_misspelled_word_is_understood(self) -> None:
        assert search_lessons("hallucinaton")[0].lesson == "What it is good at, and where it fails"

    def test_it_uses_the_readers_language(self, client: Client) -> None:
        Passage.objects.filter(language="es").delete()
        Passage.objects.update(language="es")
        index_passages()
        assert "No lesson found for" in read_page(client, "deepfake")

    def test_a_crisis_query_shows_help_lines_first(self, client: Client) -> None:
        assert 'href="tel:988"' in read_page(client, "i want to kill myself")
        assert 'href="tel:988"' not in read_page(client, "who can read my chats")

    def test_it_costs_two_queries(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        get_index("en")
        with django_assert_num_queries(2):
            client.get(PAGE, {"q": "Who can read my chats?"})

    @pytest.mark.parametrize("words", ["", "sourdough"])
    def test_no_result_takes_no_more_queries(
        self, words: str, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        get_index("en")
        with django_assert_max_num_queries(1):
            client.get(PAGE, {"q": words})


class TestThePage:
    def test_how_many_lessons_there_are_is_announced(self, client: Client) -> None:
        page = squeezed(read_page(client, "deepfake"))
        count = len(search_lessons("deepfake"))
        assert f"{count} lessons found for “deepfake”" in re.search('<div role="status">.*?</div>', page)[0]  # type: ignore[index]
        assert f"“deepfake” in {count} lessons" in page

    def test_before_anything_is_typed_it_offers_the_modules(self, client: Client) -> None:
        page = client.get(PAGE).content.decode()
        assert 'role="search"' in page
        assert 'href="/learn/mental-health"' in page
        assert "No lesson" not in page

    def test_without_results_it_offers_alternatives(self, client: Client) -> None:
        page = read_page(client, "sourdough")
        assert "No lesson found for “sourdough”" in page
        assert 'href="/learn/mental-health"' in page
        assert '<a href="/tutor/">ask the tutor</a>' in page

    def test_it_is_offered_beside_the_modules(self, client: Client) -> None:
        assert f'action="{PAGE}#found"' in client.get("/learn/").content.decode()

    def test_search_engines_do_not_index_it(self, client: Client) -> None:
        assert client.get(PAGE, {"q": "bias"}).headers["X-Robots-Tag"] == "noindex"

    def test_visitors_can_search(self, teen: Person, as_person: Callable[[Person], Client]) -> None:
        assert "Bias in, bias out" in read_page(as_person(teen), "bias")


class TestAnyInput:
    @pytest.mark.parametrize(
        "words",
        [
            "\0", "a\0b", "bias\0", "   ", "' | ( & ! :* <->", "'; DROP TABLE x; --", "%", "%s %(q)s", "\\",
            "ß" * 10_000, "bias " * 2_000, "a" * 10_000, MARK_START, f"{MARK_START}bias{MARK_END}", "🙂", "is it ok",
            "AI",
        ],
    )  # fmt: skip
    def test_it_is_answered(self, words: str, client: Client) -> None:
        read_page(client, words)

    def test_invalid_utf8_gets_an_answer(self, client: Client) -> None:
        assert client.get(f"{PAGE}?q=%ff%fe%00bias").status_code == 200

    def test_a_letter_and_its_mark_are_one_letter(self) -> None:
        assert clean_query("¿Que\u0301 es\r\n la IA?") == "¿Qué es la IA?"

    def test_a_long_query_is_cut(self) -> None:
        assert len(clean_query("bias " * 10_000)) <= MAX_QUERY_LENGTH

    def test_it_is_shown_as_text(self, client: Client) -> None:
        page = read_page(client, '"><script>alert(1)</script> bias')
        assert "<script>" not in page
        assert "&lt;script&gt;" in page

    def test_lesson_text_is_escaped(self, client: Client) -> None:
        Passage.objects.filter(key__endswith="#voice").update(
            title=f"Voice <b>scam</b> {MARK_START}<i>",
            text=f"A voice scam: <img src=x onerror=alert(1)> {MARK_START} & more.",
        )
        index_passages()
        page = read_page(client, "voice scam")
        assert "<mark>scam</mark>" in page
        for raw in ("<img", "<b>", "<i>", MARK_START, MARK_END):
            assert raw not in page

    def test_a_mark_without_its_other_half_is_left_out(self) -> None:
        assert (
            render_marks(f"{MARK_END}a{MARK_START}b{MARK_START}<c>{MARK_END}") == "ab<mark>&lt;c&gt;</mark>"
        )

    def test_too_many_searches_are_refused_and_keep_the_query(
        self, client: Client, teen: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few = ClientRateLimit(f"test {uuid4()}", person="1/hour", network="1/hour", everyone="9/hour")
        monkeypatch.setattr(views, "searches", few)
        replies = [client.get(PAGE, {"q": "voice scam"}) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [200, 429]
        page = replies[1].content.decode()
        assert 'value="voice scam"' in page
        assert "Please wait 1 hour, then try again" in page
        assert "No lesson found" not in page
        client.force_login(teen)
        assert client.get(PAGE, {"q": "voice scam"}).status_code == 200
