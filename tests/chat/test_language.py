"""A turn stores the language in which it was asked, because its worker has no request."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from accounts.models import Person
from chat.answering.leases import claim_turns, finish_turn
from chat.models import Conversation, EndReason, Turn, TurnState
from chat.personal import export_conversations
from chat.prompt import Prompt, build_prompt
from chat.selectors import find_question_passages, get_stored_passages
from chat.turns.outcomes import Outcome
from courses.models import Passage
from guard import Level
from tests.chat.conftest import Ask, written
from tests.chat.test_relay import open_stream
from tests.chat.verdicts import build_verdict
from tests.live import SignedInClient, Web, Worker
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]
# Two passages that have Spanish translations. A test removes that of the second.
TRANSLATED, OTHER = "mental-health/talk-about-it#ask", "good-and-bad/good-at-and-bad-at#sounds-sure"
IN_SPANISH = "¿Preguntar por el suicidio le mete la idea en la cabeza?"
CRISIS = "quiero morir"


@pytest.fixture
def spanish_page() -> Iterator[None]:
    with translation.override("es"):
        yield


def post(client: Client, question: str, **headers: str) -> Turn:
    turn_id = uuid4()
    client.post("/tutor/ask", {"turn_id": turn_id, "question": question}, headers=headers)
    return Turn.objects.get(pk=turn_id)


class TestTheStoredLanguage:
    @pytest.mark.parametrize(("accepted", "kept"), [("es-MX,es;q=0.9", "es"), ("en", "en"), ("tlh", "en")])
    def test_it_is_that_of_the_page(
        self, accepted: str, kept: str, teen: Person, as_person: AsPerson
    ) -> None:
        turn = post(as_person(teen), "¿Por qué?", **{"Accept-Language": accepted})
        assert turn.language == kept

    def test_the_chosen_language_comes_before_the_browsers(self, teen: Person, as_person: AsPerson) -> None:
        client = as_person(teen)
        client.post("/language", {"language": "es"})
        assert post(client, "Why?", **{"Accept-Language": "en"}).language == "es"

    def test_a_program_sends_it_like_a_browser(self, teen: Person, as_person: AsPerson) -> None:
        key = uuid4()
        as_person(teen).post(
            "/api/v1/turns",
            {"question": "¿Por qué?"},
            "application/json",
            headers={"Idempotency-Key": str(key), "Accept-Language": "es"},
        )
        assert Turn.objects.get(pk=key).language == "es"

    def test_it_is_in_the_owners_export(self, spanish_page: None, teen: Person, ask: Ask) -> None:
        ask(teen)
        assert [row["language"] for row in export_conversations(teen)] == ["es"]


@pytest.mark.usefixtures("library")
class TestItsPassages:
    @pytest.mark.usefixtures("spanish_page")
    def test_a_worker_reads_it_in_that_language_whatever_its_own(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, IN_SPANISH)
        with translation.override(settings.LANGUAGE_CODE):
            [kept] = get_stored_passages([turn]).values()
        assert [passage.key for passage in kept] == turn.passages
        assert TRANSLATED in turn.passages
        assert {passage.language for passage in kept} == {"es"}

    def test_turns_of_two_languages_are_each_read_in_their_own(self, teen: Person, ask: Ask) -> None:
        turns = [Turn(pk=uuid4(), language=language, passages=[TRANSLATED]) for language in ("en", "es")]
        kept = get_stored_passages(turns)
        assert [kept[turn.pk][0].language for turn in turns] == ["en", "es"]

    def test_what_is_not_translated_yet_is_read_in_english(self) -> None:
        Passage.objects.filter(key=OTHER, language="es").delete()
        turn = Turn(pk=uuid4(), language="es", passages=[TRANSLATED, OTHER, "gone#now"])
        assert [passage.language for passage in get_stored_passages([turn])[turn.pk]] == ["es", "en"]

    def test_a_question_in_english_on_a_spanish_page_is_answered_from_the_lesson_as_the_page_has_it(
        self,
    ) -> None:
        passages = find_question_passages(
            "Does asking about suicide put the idea in their head?", remembered=[], language="es"
        )
        assert (passages[0].key, passages[0].language) == (TRANSLATED, "es")

    def test_a_question_in_spanish_on_an_english_page_is_answered_from_the_english_lesson(self) -> None:
        passages = find_question_passages(IN_SPANISH, remembered=[], language="en")
        assert TRANSLATED in [passage.key for passage in passages]
        assert {passage.language for passage in passages} == {"en"}

    def test_one_that_leans_on_the_last_one_stays_in_its_language(self, teen: Person, ask: Ask) -> None:
        before = Turn(question=IN_SPANISH, passages=[TRANSLATED])
        assert find_question_passages("¿por qué?", remembered=[before], language="es")[0].language == "es"

    def test_none_of_either_language_speaks_of_what_no_lesson_covers(self) -> None:
        for question in ("¿Por qué es azul el cielo?", "Why is the sky blue?"):
            for language in ("en", "es"):
                assert find_question_passages(question, remembered=[], language=language) == []


class TestThePrompt:
    @pytest.mark.parametrize(("language", "name"), [("en", "English"), ("es", "Spanish")])
    def test_the_language_of_the_question_and_else_that_of_its_page(self, language: str, name: str) -> None:
        instructions = build_prompt("Why?", remembered=[], language=language).messages[0]["content"]
        assert f"Answer in the language of the question; where that is not plain, in {name}." in instructions

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("library", "unnudged")
    def test_the_worker_sends_the_prompt_that_was_held_for(
        self, teen: Person, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Prompt] = []

        def noted(question: str, **about: object) -> Prompt:
            sent.append(build_prompt(question, **about))  # type: ignore[arg-type]
            return sent[-1]

        with translation.override("es"):
            turn = ask(teen, IN_SPANISH)
        monkeypatch.setattr("chat.model_choice.build_prompt", noted)
        monkeypatch.setattr(settings, "TUTOR_ANSWER_TOKENS", 20)
        likely = turn.prompt_tokens
        assert written(turn).state == TurnState.ANSWERED
        assert "in Spanish." in sent[0].instructions
        assert Passage.objects.get(key=TRANSLATED, language="es").title in sent[0].lessons
        assert sent[0].tokens_likely == likely


class TestTheAnswer:
    @pytest.mark.parametrize(("language", "title"), [("es", "Una conversación"), ("en", "A conversation")])
    def test_a_name_that_says_nothing_is_in_that_language(
        self, language: str, title: str, teen: Person, ask: Ask, unnudged: None
    ) -> None:
        with translation.override(language):
            ask(teen, "¿Qué es una fracción?")
        [turn] = claim_turns(limit=1)
        card = build_verdict(Level.STATED)
        finish_turn(
            turn=turn,
            outcome=Outcome(
                state=TurnState.CARDED,
                end_reason=EndReason.NONE,
                answer="",
                prompt_tokens=0,
                answer_tokens=0,
                verdict=card,
            ),
        )
        assert Conversation.objects.get().title == title


class TestWhatThePageSays:
    def test_words_that_were_asked_in_another_language_are_marked(
        self, teen: Person, ask: Ask, as_person: AsPerson
    ) -> None:
        with translation.override("es"):
            turn = ask(teen, "¿Por qué es azul el cielo?")
        Turn.objects.update(state=TurnState.ANSWERED, answer="Porque sí.", ended_at=turn.asked_at)
        address = f"/tutor/{turn.conversation_id}"
        page = squeezed(as_person(teen).get(address).content.decode())
        assert '<div lang="es"><p dir="auto">¿Por qué es azul el cielo?</p>' in page
        assert (
            f'<div class="prose" id="turn-{turn.pk}-finished" lang="es"><p dir="auto">Porque sí.</p>' in page
        )
        page = squeezed(as_person(teen).get(address, headers={"Accept-Language": "es"}).content.decode())
        assert '<div><p dir="auto">¿Por qué es azul el cielo?</p>' in page

    def test_a_card_is_in_the_language_of_its_page_and_one_press_from_the_other(
        self, teen: Person, as_person: AsPerson
    ) -> None:
        client = as_person(teen)
        turn = post(client, CRISIS)
        assert turn.state == TurnState.CARDED
        address = f"/tutor/{turn.conversation_id}"
        page = squeezed(client.get(address).content.decode())
        assert "What you wrote matters more than the lesson" in page
        card = page[page.index('class="card-crisis"') :]
        assert card.index('<button name="language" value="es" lang="es">Español</button>') < card.index(
            "tel:988"
        )
        reply = client.post("/language", {"language": "es", "next": f"{address}#card-{turn.pk}"}, follow=True)
        assert reply.redirect_chain == [(f"{address}#card-{turn.pk}", 302)]
        assert "Lo que has escrito importa más que la lección" in reply.content.decode()

    def test_what_comes_by_its_stream_is_in_the_readers_language(
        self, web: Web, worker: Worker, teen: Person
    ) -> None:
        web_client = SignedInClient(web, teen)
        web_client.cookies["language"] = "es"
        turn_id = web_client.ask("¿Por qué es azul el cielo?")
        assert Turn.objects.get(pk=turn_id).language == "es"
        with open_stream(web_client, turn_id) as stream:
            *_, whole, done = list(stream)
        assert done.name == "done"
        assert "Leer en voz alta" in whole.data
        assert "Read aloud" not in whole.data
