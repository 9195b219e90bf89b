"""Each language has its folder. Untranslated content is shown in the default language and marked."""

import shutil
import unicodedata
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from django.template import Context
from django.templatetags.i18n import TranslateNode
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from courses.authoring.loading import load_library
from courses.authoring.modules import read_library
from courses.authoring.source import CONTENT_ROOT
from courses.learning.records import PersonRecord
from courses.library.selectors import get_reader_module, list_reader_modules
from courses.models import Briefing, LessonDone, Module
from courses.retrieval.current_index import get_index
from courses.retrieval.passage_index import remove_accents
from courses.retrieval.search import find_passages, get_passages
from kit.authored import InvalidFile
from tests.markup import squeezed

MH = "/learn/mental-health"
GB = "/learn/good-and-bad"
ATOM = "{http://www.w3.org/2005/Atom}"
IN_ENGLISH = "en inglés"
NOT_YET = "Todavía no se ha traducido"
PAGES = ["/learn/", "/briefings/", "/", MH, f"{MH}/why-they-tell-it", f"{MH}/quiz", f"{MH}/print"]
PAGES += [GB, f"{GB}/what-it-is", f"{GB}/quiz", f"{GB}/print", "/briefings/europe-agrees-on-rules"]


@pytest.fixture
def in_spanish(library: None) -> Client:
    """A visitor whose browser asks for Spanish."""
    return Client(headers={"accept-language": "es-MX,es;q=0.9,en;q=0.5"})


@pytest.fixture
def untranslated(library: None) -> None:
    """The first module, and the briefings of the first year, without their Spanish translations."""
    Module.objects.filter(language="es", slug="good-and-bad").delete()
    Briefing.objects.filter(language="es", date__year=2023).delete()


def read_text(client: Client, path: str) -> str:
    reply = client.get(path, follow=True)
    assert reply.status_code == 200
    return squeezed(reply.content.decode())


def read_main(client: Client, path: str) -> str:
    return read_text(client, path).partition("<main")[2].partition("</main>")[0]


def test_every_module_and_briefing_is_translated(library: None) -> None:
    for texts in (Module.objects, Briefing.objects):
        english, spanish = (
            set(texts.filter(language=language).values_list("slug", flat=True)) for language in ("en", "es")
        )
        assert english == spanish != set()


class TestTheModulesInSpanish:
    @pytest.mark.usefixtures("untranslated")
    def test_lists_each_module_once(self, teen: Person) -> None:
        with translation.override("es"):
            courses = list_reader_modules(PersonRecord(teen))
        slugs = [reader_module.module.slug for reader_module in courses]
        assert slugs == list(Module.objects.filter(language="en").values_list("slug", flat=True))
        assert [
            reader_module.module.slug for reader_module in courses if reader_module.module.language == "en"
        ] == ["good-and-bad"]

    @pytest.mark.usefixtures("untranslated")
    def test_untranslated_modules_are_listed_and_marked(self, in_spanish: Client) -> None:
        page = read_text(in_spanish, "/learn/")
        assert '<html lang="es"' in page
        assert f'<a href="{MH}">La salud mental y una máquina que escucha</a>' in page
        assert f'<a href="{GB}" lang="en">' in page
        assert page.count(f"· {IN_ENGLISH}") == 1

    @pytest.mark.usefixtures("untranslated")
    def test_the_home_page_offers_a_translated_module_first(self, in_spanish: Client) -> None:
        assert "La salud mental y una máquina que escucha" in read_text(in_spanish, "/")

    def test_are_not_shown_to_english_readers(self, library: None, client: Client) -> None:
        page = read_main(client, "/learn/")
        assert "salud" not in page
        assert "lang=" not in page


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens(path: str, in_spanish: Client) -> None:
    assert in_spanish.get(path).status_code == 200


class TestAModuleInSpanish:
    @pytest.mark.parametrize("part", ["", "/why-they-tell-it", "/talk-about-it", "/quiz", "/print"])
    def test_marks_nothing_as_english_but_the_titles_of_sources(self, part: str, in_spanish: Client) -> None:
        page = read_main(in_spanish, MH + part).replace('<cite lang="en">', "")
        # The names of frameworks stay as they are.
        page = page.replace('<span class="fine-print" lang="en">', "")
        assert "lang=" not in page
        assert "<cite>" not in page

    def test_cites_a_source_by_its_own_title(self, in_spanish: Client) -> None:
        page = read_text(in_spanish, f"{MH}/why-they-tell-it")
        assert '<cite lang="en">How Teens Use and View AI</cite>' in page
        assert "24 de febrero de 2026" in page

    def test_gives_a_line_for_the_agreement_and_a_page_for_the_fridge_door(self, in_spanish: Client) -> None:
        page = read_text(in_spanish, f"{MH}/print")
        assert "nuestros celulares duermen en la cocina" in " ".join(page.split())
        assert "Tres nombres en una tarjeta" in page


@pytest.mark.usefixtures("untranslated")
class TestAnUntranslatedModule:
    @pytest.mark.parametrize("part", ["/what-it-is", "/quiz", "/print"])
    def test_is_read_in_english_and_marked(self, part: str, in_spanish: Client) -> None:
        assert ' lang="en">' in read_main(in_spanish, GB + part)

    def test_says_so_on_its_first_page_and_on_each_lesson(self, in_spanish: Client) -> None:
        for path in (GB, f"{GB}/what-it-is", f"{GB}/quiz"):
            assert NOT_YET in read_text(in_spanish, path)

    def test_uses_one_language_inside_a_lesson(
        self, in_spanish: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The words around a block ("People say") are in the language of the block."""
        asked = []
        render = TranslateNode.render

        def noted(node: TranslateNode, context: Context) -> str:
            asked.append((node.filter_expression.token, translation.get_language()))
            return render(node, context)

        monkeypatch.setattr(TranslateNode, "render", noted)
        read_text(in_spanish, f"{GB}/bias-in-bias-out")
        assert ('"People say"', "en") in asked
        assert ('"Learn"', "es") in asked


class TestProgress:
    def test_is_one_in_both_languages(self, in_spanish: Client, client: Client, teen: Person) -> None:
        in_spanish.force_login(teen)
        in_spanish.post(f"{MH}/why-they-tell-it/done")
        assert LessonDone.objects.get().module_slug == "mental-health"
        client.force_login(teen)
        assert "1 of 6 done" in read_text(client, MH)

    def test_an_option_chosen_in_one_language_is_the_same_in_the_other(
        self, in_spanish: Client, teen: Person
    ) -> None:
        spanish = Module.objects.get(language="es", slug="mental-health").questions.get(slug="who-else")
        right = next(option for option in spanish.options if option["is_right"])
        in_spanish.force_login(teen)
        in_spanish.post(f"{MH}/quiz/who-else", {"option": right["id"]})
        with translation.override("en"):
            reader_module = get_reader_module("mental-health", PersonRecord(teen))
        asked = next(question for question in reader_module.questions if question.slug == "who-else")
        chosen = next(
            option for option in asked.options if option["id"] == reader_module.done.answers["who-else"]
        )
        assert chosen["is_right"]
        assert "Who else knows" in chosen["html"]


class TestATranslationIsHeldAgainstItsOriginal:
    @pytest.fixture
    def spanish(self, tmp_path: Path) -> Path:
        root = tmp_path / "content"
        for language in ("en", "es"):
            shutil.copytree(CONTENT_ROOT / language / "mental-health", root / language / "mental-health")
        return root / "es" / "mental-health"

    @pytest.mark.parametrize(
        ("file", "old", "new", "message"),
        [
            (
                "3-where-it-fails.md",
                "{#thread}",
                "{#hilo}",
                "sections of “where-it-fails”.*agrees, thread, story",
            ),
            (
                "quiz.md",
                "question who-else",
                "question quien-mas",
                "questions are not those of en/mental-health",
            ),
            ("quiz.md", "- [ ] Que ese consejo funciona.\n  Puede", "- [x] Q\n  P", "felt-helpful"),
        ],
    )
    def test_different_names_are_an_error(
        self, file: str, old: str, new: str, message: str, spanish: Path, no_library: None
    ) -> None:
        path = spanish / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        if "felt" in message:
            path.write_text(path.read_text().replace("- [x] Que a quienes", "- [ ] Que a quienes"))
        with pytest.raises(InvalidFile, match=message):
            load_library(root=spanish.parents[1])
        assert not Module.objects.exists()

    def test_a_missing_lesson_is_an_error(self, spanish: Path, db: None) -> None:
        (spanish / "2-what-it-may-be-for.md").unlink()
        module = spanish / "module.md"
        module.write_text(module.read_text().replace("minutes = 30", "minutes = 25"))
        with pytest.raises(InvalidFile, match=r"^es/mental-health, line 1: The lessons are not those of en"):
            load_library(root=spanish.parents[1])

    def test_a_module_without_an_original_is_complete_by_itself(self, spanish: Path, db: None) -> None:
        shutil.rmtree(spanish.parents[1] / "en")
        load_library(root=spanish.parents[1])
        assert Module.objects.get().language == "es"

    def test_as_delivered_each_title_in_english_says_so(self) -> None:
        for module in read_library():
            assert {source.get("language") for source in module.sources} == (
                {None} if module.language == "en" else {"en"}
            )

    def test_as_delivered_each_has_the_sources_of_its_original(self) -> None:
        modules = {(module.language, module.slug): module for module in read_library()}
        for (language, slug), module in modules.items():
            if language != "en":
                known = modules["en", slug].sources
                assert [(source["id"], source["title"], source["url"]) for source in module.sources] == [
                    (source["id"], source["title"], source["url"]) for source in known
                ]


ASKED_IN_SPANISH = [
    ("¿Es normal contarle mis problemas a ChatGPT?", {"how-many", "practice"}),
    ("estoy triste y hablo con el chatbot todas las noches", {"never-tired", "next-step", "easy"}),
    ("¿La IA siempre me da la razón?", {"agrees"}),
    ("¿puede un chatbot ser mi psicólogo?", {"people-only", "this-tutor"}),
    ("¿tengo depresión?", {"people-only"}),
    ("quién puede leer mis chats", {"not-secret", "not-you"}),
    ("como borro el historial de la ia", {"settings", "not-secret"}),
    ("¿Qué pasa si llamo al 988?", {"call"}),
    ("¿La orientadora se lo va a contar a mi mamá?", {"people-private"}),
    ("mi hija no me habla", {"silence"}),
    ("no podemos pagar un psicólogo y hay lista de espera", {"far-away"}),
    ("¿preguntar por el suicidio le mete la idea en la cabeza?", {"ask"}),
    ("¿funciona la terapia con inteligencia artificial?", {"find-out", "people-only"}),
    ("el chatbot le dijo a mi hijo algo peligroso", {"said-harm"}),
    ("¿debo revisar el celular de mi hija?", {"not-you"}),
]  # fmt: skip
NOT_COVERED_IN_SPANISH = [
    "¿Qué es la fotosíntesis?",
    "¿Cómo se calcula un porcentaje?",
    "¿Quién ganó la Segunda Guerra Mundial?",
    "¿Cómo se cocina el arroz?",
    "Explícame las fracciones",
    "¿Por qué es azul el cielo?",
]


class TestAQuestionInSpanish:
    @pytest.mark.parametrize(("question", "anchors"), ASKED_IN_SPANISH)
    def test_finds_its_passage(self, question: str, anchors: set[str], library: None) -> None:
        passages = find_passages(question, language="es")
        assert {passage.key.partition("#")[2] for passage in passages} & anchors, [
            passage.key for passage in passages
        ]
        assert {passage.language for passage in passages} == {"es"}

    @pytest.mark.parametrize("question", NOT_COVERED_IN_SPANISH)
    def test_finds_nothing_if_no_lesson_covers_it(self, question: str, library: None) -> None:
        assert find_passages(question, language="es") == []

    @pytest.mark.parametrize(("question", "anchors"), ASKED_IN_SPANISH)
    def test_finds_its_passage_without_accents(self, question: str, anchors: set[str], library: None) -> None:
        typed = remove_accents(question).lower()
        passages = find_passages(typed, language="es")
        assert {passage.key.partition("#")[2] for passage in passages} & anchors

    def test_finds_the_same_whether_an_accent_is_a_character_of_its_own_or_not(self, library: None) -> None:
        for question, _ in ASKED_IN_SPANISH:
            composed, decomposed = (unicodedata.normalize(form, question) for form in ("NFC", "NFD"))
            assert find_passages(composed, language="es") == find_passages(decomposed, language="es") != []

    def test_without_accents_is_recognized_as_spanish_on_an_english_page(self, library: None) -> None:
        assert [passage.key for passage in find_passages("tengo depresion", language="en")] == [
            passage.key for passage in find_passages("tengo depresión", language="es")
        ]

    def test_in_english_finds_the_english_lesson(self, library: None) -> None:
        passages = find_passages("Why did the chatbot invent a book that does not exist?", language="es")
        assert {passage.key for passage in passages} & {"good-and-bad/good-at-and-bad-at#sounds-sure"}

    def test_it_costs_one_query_where_something_is_found(
        self, library: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        get_index("es")
        with django_assert_num_queries(1):
            assert find_passages("¿Qué pasa si llamo al 988?", language="es")

    @pytest.mark.parametrize(
        ("typed", "plain", "language"),
        [("¿Tengo “depresión”…?", "tengo depresion", "es"), ("what’s “bias”?", "what's bias?", "en")],
    )
    def test_combining_marks_are_not_part_of_a_word(
        self, typed: str, plain: str, language: str, library: None
    ) -> None:
        assert find_passages(typed, language=language) == find_passages(plain, language=language) != []


class TestTheSearchPageInSpanish:
    @pytest.mark.parametrize("typed", ["señales", "senales", "sen\u0303ales", "SEÑALES", "Sen\u0303ales"])
    def test_finds_and_marks_a_word_with_its_accents_or_without(self, typed: str, in_spanish: Client) -> None:
        page = squeezed(in_spanish.get("/learn/search", {"q": typed}).content.decode())
        assert "<h3>Dónde falla</h3>" in page
        assert "<mark>señales</mark>" in page

    def test_shows_the_same_page_whether_an_accent_is_a_character_of_its_own_or_not(
        self, in_spanish: Client
    ) -> None:
        composed, decomposed = (
            read_main(
                in_spanish, "/learn/search?q=" + quote(unicodedata.normalize(form, "¿Tengo depresión?"))
            )
            for form in ("NFC", "NFD")
        )
        assert composed == decomposed


class TestAPassageThatIsCited:
    KEYS = ("mental-health/talk-about-it#ask", "good-and-bad/bias-in-bias-out#measured")

    @pytest.mark.parametrize(("language", "titles"), [("es", ["es", "en"]), ("en", ["en", "en"])])
    @pytest.mark.usefixtures("untranslated")
    def test_is_in_the_readers_language_where_there_is_one(self, language: str, titles: list[str]) -> None:
        passages = get_passages(self.KEYS, language=language)
        assert [passage.language for passage in passages.values()] == titles
        assert (passages[self.KEYS[0]].title == "Pregunta sin rodeos") == (language == "es")


@pytest.mark.usefixtures("untranslated")
class TestABriefing:
    @pytest.fixture
    def spanish(self) -> Briefing:
        same = {"slug": "europe-agrees-on-rules", "date": "2023-12-08", "sections": [], "sources": []}
        return Briefing.objects.create(language="es", title="Europa acuerda reglas", summary="R", **same)

    def test_that_is_not_in_spanish_is_marked_and_kept(self, in_spanish: Client) -> None:
        page = read_text(in_spanish, "/briefings/2023")
        assert page.count(f"· {IN_ENGLISH}") == Briefing.objects.filter(date__year=2023).count()
        assert '<article class="reading" lang="en">' in read_text(
            in_spanish, "/briefings/europe-agrees-on-rules"
        )

    def test_says_in_the_feed_what_it_is_written_in(self, in_spanish: Client, spanish: Briefing) -> None:
        feed = ET.fromstring(in_spanish.get("/briefings/feed?language=es").content)  # noqa: S314
        languages = {
            entry.findtext(f"{ATOM}title"): entry.get("{http://www.w3.org/XML/1998/namespace}lang")
            for entry in feed.findall(f"{ATOM}entry")
            if entry.findtext(f"{ATOM}published", "").startswith("2023")
        }
        assert languages.pop(spanish.title) == "es"
        assert set(languages.values()) == {"en"}

    def test_a_translation_replaces_the_english_one(self, in_spanish: Client, spanish: Briefing) -> None:
        page = read_text(in_spanish, "/briefings/2023")
        assert spanish.title in page
        assert "Europe agrees" not in page
        assert "Europe agrees" in read_text(Client(), "/briefings/2023")
