"""The site in Spanish: by the browser's languages, and by choice."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from accounts.models import Person
from courses.models import Module, Passage
from courses.retrieval.search import find_passages, get_passages
from tests.markup import squeezed

PAGES = {
    "/": "Hablar de la IA en casa",
    "/about": "Qué no es",
    "/privacy": "Adónde van tus preguntas",
    "/learn/": "Aprender",
    "/events/": "Eventos",
    "/help/now": "habla con una persona",
    "/help/protocol": "Qué no hace",
    "/sign-in": "Nombre de usuario o correo",
    "/nothing-here": "Página no encontrada",
}
SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}

pytestmark = pytest.mark.django_db


def choose(client: Client, language: str, **more: str) -> str:
    reply = client.post("/language", {"language": language} | more)
    assert reply.status_code == 302
    return reply.headers["Location"]


@pytest.mark.parametrize("path", PAGES)
class TestAPage:
    def test_is_in_spanish_where_the_browser_asks_for_it(self, path: str, client: Client) -> None:
        reply = client.get(path, headers=SPANISH)
        page = reply.content.decode()
        assert '<html lang="es">' in page
        assert PAGES[path] in page
        assert reply.headers["Content-Language"] == "es"

    def test_is_in_spanish_only_for_people_who_chose_it(self, path: str, client: Client) -> None:
        choose(client, "es")
        assert PAGES[path] in client.get(path).content.decode()
        assert PAGES[path] not in Client().get(path).content.decode()

    def test_is_in_english_again_for_people_who_choose_it(self, path: str, client: Client) -> None:
        choose(client, "es")
        choose(client, "en")
        page = client.get(path, headers=SPANISH).content.decode()
        assert '<html lang="en">' in page
        assert PAGES[path] not in page

    def test_tells_caches_that_it_depends_on_what_was_asked_for_and_chosen(
        self, path: str, client: Client
    ) -> None:
        varies = client.get(path).headers["Vary"]
        assert "Accept-Language" in varies
        assert "Cookie" in varies

    def test_names_each_language_in_itself(self, path: str, client: Client) -> None:
        page = squeezed(client.get(path, headers=SPANISH).content.decode())
        assert re.search(r'<button[^>]* value="es" lang="es" aria-current="true">Español</button>', page)
        assert re.search(r'<button[^>]* value="en" lang="en">English</button>', page)


class TestTheChoice:
    def test_leads_back_to_the_page_with_what_it_was_asked(self, client: Client) -> None:
        page = squeezed(client.get("/learn/?a=b").content.decode())
        assert 'name="next" value="/learn/?a=b"' in page
        assert choose(client, "es", next="/learn/?a=b") == "/learn/?a=b"

    def test_leads_to_no_other_site(self, client: Client) -> None:
        assert choose(client, "es", next="https://example.org/") == "/"

    def test_leads_to_the_front_from_what_a_form_was_answered_with(self, client: Client) -> None:
        page = squeezed(client.post("/sign-in", {"username": "x", "password": "y"}).content.decode())
        assert 'name="next" value="/"' in page

    def test_is_remembered_for_a_year_and_leaves_no_session(self, client: Client) -> None:
        choose(client, "es")
        assert set(client.cookies) == {"language"}
        kept = client.cookies["language"]
        assert (kept["max-age"], kept["httponly"], kept["samesite"]) == (31_536_000, True, "Lax")

    def test_of_a_language_that_there_is_not_changes_nothing(self, client: Client) -> None:
        choose(client, "tlh")
        assert not client.cookies

    def test_needs_no_token_so_that_reading_leaves_no_cookie(self) -> None:
        reader = Client(enforce_csrf_checks=True)
        reader.get("/about")
        assert not reader.cookies
        choose(reader, "es")

    def test_applies_when_signed_in(self, teen: Person, as_person: Callable[[Person], Client]) -> None:
        client = as_person(teen)
        choose(client, "es")
        page = client.get("/tutor/").content.decode()
        assert "Es una IA, no una persona. Puede equivocarse" in page
        assert "No guardamos direcciones IP." in client.get("/account/sessions/").content.decode()


def test_a_crisis_card_is_in_the_language_of_the_page(
    teen: Person, as_person: Callable[[Person], Client]
) -> None:
    client = as_person(teen)
    asked = {"question": "quiero matarme", "turn_id": str(uuid4())}
    page = client.post("/tutor/ask", asked, headers=SPANISH, follow=True).content.decode()
    assert "Lo que has escrito importa más que la lección" in page
    assert "Salir rápido de esta página" in page
    assert "988" in page


def test_api_problems_are_in_spanish(client: Client) -> None:
    assert client.get("/api/v1/nothing", headers=SPANISH).json()["title"] == "No encontrado"


@pytest.mark.usefixtures("library")
class TestLessons:
    @pytest.fixture(autouse=True)
    def _without_translation(self, library: None) -> None:
        Module.objects.filter(language="es", slug="good-and-bad").delete()

    def test_are_in_english_and_say_so_until_they_are_translated(self, client: Client) -> None:
        module = Module.objects.get(slug="good-and-bad", language=settings.LANGUAGE_CODE)
        assert module.title in client.get("/learn/", headers=SPANISH).content.decode()
        page = squeezed(client.get("/learn/good-and-bad/what-it-is", headers=SPANISH).content.decode())
        assert "El texto de abajo está en inglés" in page
        assert '<h1 lang="en">' in page
        assert '<div class="lesson-words" lang="en">' in page
        assert "está en inglés" not in client.get("/learn/good-and-bad/what-it-is").content.decode()

    def test_that_are_translated_take_the_place_of_the_english_ones(self, client: Client) -> None:
        module = Module.objects.get(slug="good-and-bad", language=settings.LANGUAGE_CODE)
        module.pk, module.language, module.title = None, "es", "Buena y mala"
        module.save()
        page = client.get("/learn/", headers=SPANISH).content.decode()
        assert page.count("/learn/good-and-bad") == 1
        assert "Buena y mala" in page
        assert "Buena y mala" not in client.get("/learn/").content.decode()

    def test_are_found_and_cited_beside_a_conversation_in_spanish(self) -> None:
        with translation.override("es"):
            passages = find_passages("Why does AI make things up?")
            assert passages
            assert list(get_passages(passage.key for passage in passages)) == [
                passage.key for passage in passages
            ]

    def test_are_cited_in_the_readers_language_where_they_are_in_it(self) -> None:
        passage = Passage.objects.filter(
            language=settings.LANGUAGE_CODE, key__startswith="good-and-bad/"
        ).first()
        assert passage
        passage.pk, passage.language, passage.title = None, "es", "En español"
        passage.save()
        with translation.override("es"):
            assert get_passages([passage.key])[passage.key].title == "En español"
        assert get_passages([passage.key])[passage.key].title != "En español"
