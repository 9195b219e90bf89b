"""Personal data is shown to its writer before it is sent to another company's model."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Person
from chat.errors import PersonalDataFound
from chat.models import Turn, TurnState
from chat.turns.verdicts import PersonalDataChoice
from guard import Category, Level
from tests.chat.conftest import Ask, Judged
from tests.chat.verdicts import METHOD, build_personal_verdict, build_verdict
from tests.rest.problems import TURNS, require_problem

AsPerson = Callable[[Person], Client]
QUESTION = "I am Noor Haddad of 12 Elm Street. What is a noun?"
PARTS = ("Noor Haddad", "12 Elm Street")
CLEARED = "I am […] of […]. What is a noun?"


@pytest.fixture
def elsewhere(settings: Settings) -> None:
    settings.TUTOR_BASE_URL = "https://api.example.com/v1"


@pytest.fixture(autouse=True)
def _found(judged: Judged) -> None:
    judged(build_personal_verdict(QUESTION, *PARTS))


@pytest.fixture
def owner(as_person: AsPerson, teen: Person) -> Client:
    return as_person(teen)


def post(client: Client, *, htmx: bool, **fields: object) -> HttpResponse:
    form = {"question": QUESTION, "turn_id": uuid4()} | fields
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(reverse("chat:ask"), form, headers=headers)  # type: ignore[return-value]


def test_with_a_self_hosted_model_nothing_is_asked_or_redacted(teen: Person, ask: Ask) -> None:
    assert ask(teen, QUESTION).question == QUESTION


@pytest.mark.usefixtures("elsewhere")
class TestWithAModelElsewhere:
    def test_nothing_is_stored_or_sent_before_its_writer_was_asked(self, teen: Person, ask: Ask) -> None:
        with pytest.raises(PersonalDataFound) as rejected:
            ask(teen, QUESTION)
        assert tuple(rejected.value.parts) == PARTS
        assert not Turn.objects.exists()

    @pytest.mark.parametrize("htmx", [True, False])
    def test_the_page_shows_the_personal_data_and_three_choices(self, htmx: bool, owner: Client) -> None:
        reply = post(owner, htmx=htmx)
        page = reply.content.decode()
        assert reply.status_code == 422
        for text in (
            *(f'<q dir="auto">{part}</q>' for part in PARTS),
            "Send without it",
            "Edit the question",
            "Send as it is",
        ):
            assert text in page
        assert f"{QUESTION}</textarea>" in page

    @pytest.mark.parametrize(("wish", "kept"), [("remove", CLEARED), ("keep", QUESTION)])
    def test_its_writer_decides(self, wish: str, kept: str, owner: Client) -> None:
        assert post(owner, htmx=False, personal=wish).status_code == 302
        turn = Turn.objects.get()
        assert (turn.question, turn.state) == (kept, TurnState.QUEUED)

    def test_redacted_data_is_not_in_the_title(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, QUESTION, personal_data_choice=PersonalDataChoice.REMOVE)
        assert "Noor" not in turn.conversation.title

    def test_an_invalid_choice_asks_again(self, owner: Client) -> None:
        assert post(owner, htmx=False, personal="both").status_code == 422

    def test_where_only_the_kind_is_known_it_can_still_be_changed(
        self, owner: Client, judged: Judged
    ) -> None:
        judged(build_verdict(Level.NONE, Category.PERSONAL))
        for wish in ("", "remove"):
            page = post(owner, htmx=False, personal=wish).content.decode()
            assert "seems to say who you are" in page
            assert "Send without it" not in page

    def test_a_question_about_stress_is_asked_about_personal_data(
        self, teen: Person, ask: Ask, judged: Judged
    ) -> None:
        judged(build_verdict(Level.STRESS, Category.DISTRESS, Category.PERSONAL))
        with pytest.raises(PersonalDataFound):
            ask(teen, QUESTION)

    def test_what_no_model_sees_needs_no_question(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(METHOD)
        assert ask(teen, QUESTION).state == TurnState.REFUSED


@pytest.mark.usefixtures("elsewhere")
class TestTheApi:
    def ask(self, owner: Client, key: object, **fields: str) -> HttpResponse:
        headers = {"Idempotency-Key": str(key)}
        sent = {"question": QUESTION} | fields
        return owner.post(TURNS, sent, content_type="application/json", headers=headers)  # type: ignore[return-value]

    def test_it_names_the_parts_and_accepts_the_choice(self, owner: Client) -> None:
        key = uuid4()
        assert require_problem(self.ask(owner, key), "personal-found", 422)["parts"] == list(PARTS)
        assert self.ask(owner, key, personal="remove").status_code == 201
        assert self.ask(owner, key, personal="remove").status_code == 200
        assert Turn.objects.get().question == CLEARED
