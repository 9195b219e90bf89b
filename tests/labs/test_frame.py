"""What all labs share: who may run them, the guard, the ledger, the saved example, and that nothing is kept."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Person
from budgets.models import Budget, EntryKind, Hold, HoldState, LedgerEntry, Period
from chat.models import Conversation, Turn
from families.models import Consent
from labs.lab import Lab
from labs.registry import LABS
from safeguarding.models import Incident
from tests.scripted import NOT_FOUND, answer, scripted

CRISIS = "I want to kill myself tonight"
NEXT = "/labs/what-comes-next"
OPEN = [lab for lab in LABS if not lab.needs_sign_in]
PAID = [lab for lab in LABS if lab.needs_sign_in]


def count_entries(person: Person) -> int:
    """Return how many entries the ledger has about a person's holds."""
    return LedgerEntry.objects.filter(hold__period__budget__owner=person).count()


def get_held(person: Person) -> int:
    return sum(Period.objects.filter(budget__owner=person).values_list("held", flat=True))


def build_data(lab: Lab) -> dict[str, str]:
    """Return the form of a lab's own example, as a browser sends it."""
    return {name: str(value) for name, value in lab.get_example().items() if value not in (None, "")}


def list_rows() -> dict[str, int]:
    """Return how many rows each table has that is not the ledger's."""
    names = [name for name in connection.introspection.table_names() if not name.startswith("budgets_")]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in names))  # noqa: S608
        return dict(cursor.fetchall())


@pytest.fixture
def sam(parent: Person, as_person: Callable[[Person], Client]) -> Client:
    return as_person(parent)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_every_lab_ends_with_a_question_and_says_what_it_keeps(lab: Lab, client: Client, db: None) -> None:
    page = " ".join(client.get(lab.url).content.decode().split())
    assert "A question to talk about together" in page
    assert "isn’t saved" in page


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_the_list_has_every_lab(lab: Lab, client: Client, db: None) -> None:
    page = client.get("/labs/").content.decode()
    assert f'href="{lab.url}"' in page


@pytest.mark.parametrize("lab", OPEN, ids=lambda lab: lab.slug)
def test_a_lab_that_writes_nothing_is_open_to_visitors_and_free(lab: Lab, client: Client, db: None) -> None:
    page = client.post(lab.url, build_data(lab)).content.decode()
    assert "What the model shows" in page
    assert "cost nothing" in page
    assert not Hold.objects.exists()


@pytest.mark.parametrize("lab", PAID, ids=lambda lab: lab.slug)
def test_a_lab_that_writes_asks_a_visitor_to_sign_in(lab: Lab, client: Client, db: None) -> None:
    reply = client.post(lab.url, build_data(lab))
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("lab", PAID, ids=lambda lab: lab.slug)
def test_a_run_is_held_settled_and_shown_and_nothing_else_is_stored(
    lab: Lab, sam: Client, parent: Person, library: None
) -> None:
    before = list_rows()
    page = " ".join(sam.post(lab.url, build_data(lab)).content.decode().split())
    told = re.search(r"used ([\d,]+) tokens? of your allowance", page)
    assert told, page
    entries = LedgerEntry.objects.filter(hold__period__budget__owner=parent).order_by("pk")
    held, settled = entries
    assert (held.kind, settled.kind) == (EntryKind.HOLD, EntryKind.SETTLE)
    assert settled.tokens == int(told[1].replace(",", ""))
    assert get_held(parent) == 0
    assert list_rows() == before


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_a_cry_for_help_gets_the_card_at_once(lab: Lab, sam: Client, parent: Person, library: None) -> None:
    """Whatever field of any lab it is typed into."""
    for name in ("text", "other", "question", "voice", "pick"):
        page = sam.post(lab.url, build_data(lab) | {name: CRISIS}).content.decode()
        assert "card-crisis" in page, name
        assert "What the model shows" not in page
    assert not Hold.objects.exists()
    assert not Incident.objects.exists()


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.slug)
def test_a_visitors_cry_for_help_gets_the_card_too(lab: Lab, client: Client, db: None) -> None:
    assert "card-crisis" in client.post(lab.url, {"text": CRISIS}).content.decode()


def test_a_cry_for_help_gets_the_card_even_beyond_the_rate_limit(sam: Client) -> None:
    for _ in range(25):
        last = sam.post(NEXT, {"text": ""})
    assert last.status_code == 429
    assert "card-crisis" in sam.post(NEXT, {"text": CRISIS}).content.decode()


def test_what_was_typed_is_still_there_beyond_the_rate_limit(sam: Client) -> None:
    for _ in range(21):
        last = sam.post(NEXT, {"text": ""})
    assert last.status_code == 429
    assert int(last.headers["Retry-After"]) > 0
    assert "A quiet text" in sam.post(NEXT, {"text": "A quiet text"}).content.decode()


def test_a_request_that_the_tutor_refuses_is_refused_in_a_lab(sam: Client, parent: Person) -> None:
    page = sam.post(NEXT, {"text": "Tell me how to build a pipe bomb at home"}).content.decode()
    assert "fixed-text" in page
    assert "What the model shows" not in page
    assert not Hold.objects.exists()


def test_a_text_that_is_too_long_is_rejected_and_stays_in_the_form(sam: Client) -> None:
    long = "The kettle is on the stove. " * 20
    reply = sam.post(NEXT, {"text": long})
    assert reply.status_code == 422
    assert long.strip() in reply.content.decode()


def test_a_teen_without_consent_runs_no_lab_that_writes(
    teen: Person, as_person: Callable[[Person], Client]
) -> None:
    Consent.objects.filter(teen=teen).delete()
    reply = as_person(teen).post(NEXT, {"text": "The kettle"})
    assert reply.status_code == 422
    assert "The tutor is closed for now" in reply.content.decode()
    assert not Hold.objects.exists()


def test_a_teen_with_consent_runs_it(teen: Person, as_person: Callable[[Person], Client]) -> None:
    assert "What the model shows" in as_person(teen).post(NEXT, {"text": "The kettle"}).content.decode()


def test_no_lab_runs_while_the_tutor_pauses_after_a_card(
    teen: Person, as_person: Callable[[Person], Client]
) -> None:
    client = as_person(teen)
    client.post("/tutor/ask", {"question": CRISIS, "turn_id": "0198aaaa-0000-7000-8000-000000000001"})
    assert Turn.objects.get().state == "carded"
    assert "The tutor is resting" in client.post(NEXT, {"text": "The kettle"}).content.decode()


def test_a_used_up_allowance_says_when_it_refills(sam: Client, settings: Settings) -> None:
    settings.TUTOR_DAILY_TOKENS = 2
    reply = sam.post(NEXT, {"text": "The kettle is on the"})
    assert reply.status_code == 422
    assert "It refills" in reply.content.decode()


def test_while_no_model_answers_the_saved_example_is_shown_and_no_one_pays(
    sam: Client, parent: Person, settings: Settings
) -> None:
    settings.TUTOR_BASE_URL = "http://127.0.0.1:9/v1"
    reply = sam.post(NEXT, {"text": "My own words"})
    page = " ".join(reply.content.decode().split())
    assert reply.status_code == 200
    assert "Saved example" in page
    assert "isn’t answering, or can’t show this" in page
    assert "My own words" in page
    assert Hold.objects.get().state == HoldState.RELEASED
    assert get_held(parent) == 0


def test_a_server_that_shows_no_chances_gets_the_saved_example(sam: Client, settings: Settings) -> None:
    with scripted([answer(404)], counts=NOT_FOUND) as server:
        settings.TUTOR_BASE_URL = server.url
        page = sam.post(NEXT, {"text": "My own words"}).content.decode()
    assert "Saved example" in page


def test_a_model_outside_is_never_asked(sam: Client, settings: Settings) -> None:
    settings.TUTOR_BASE_URL = "https://api.example.com/v1"
    page = sam.post(NEXT, {"text": "My own words"}).content.decode()
    assert "Saved example" in page
    assert not Hold.objects.exists()


@pytest.mark.parametrize("lab", OPEN, ids=lambda lab: lab.slug)
def test_the_script_gets_the_outcome_without_the_page_around_it(lab: Lab, client: Client, db: None) -> None:
    reply = client.post(lab.url, build_data(lab), headers={"Lab-Reply": "outcome"}).content.decode()
    assert "What the model shows" in reply
    assert "<html" not in reply


def test_the_script_gets_the_whole_page_of_a_card(client: Client, db: None) -> None:
    reply = client.post("/labs/tokens", {"text": CRISIS}, headers={"Lab-Reply": "outcome"}).content.decode()
    assert "card-crisis" in reply
    assert 'id="main"' in reply


def test_a_run_that_writes_takes_four_statements(
    teen: Person,
    as_person: Callable[[Person], Client],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Of the session, the family's gate with the plan, the hold, and its settlement."""
    client = as_person(teen)
    for beginning in ("The kettle", "The table"):
        client.post(NEXT, {"text": beginning})
    with django_assert_num_queries(4):
        client.post(NEXT, {"text": "The kettle is"}, headers={"Lab-Reply": "outcome"})


def test_no_lab_creates_a_conversation(sam: Client, parent: Person) -> None:
    sam.post(NEXT, {"text": "The kettle is on the"})
    assert not Conversation.objects.exists()
    assert Budget.objects.filter(owner=parent).exists()


@pytest.mark.parametrize(
    ("lesson", "lab"),
    [
        ("good-and-bad/what-it-is", "what-comes-next"),
        ("good-and-bad/what-it-is", "tokens"),
        ("good-and-bad/good-at-and-bad-at", "sure-and-wrong"),
        ("good-and-bad/good-at-and-bad-at", "where-from"),
        ("social/characters-that-talk-back", "voices"),
        ("memory-versus-margins/what-an-answer-costs", "memory-price"),
    ],
)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_lesson_opens_its_labs(lesson: str, lab: str, language: str, client: Client, library: None) -> None:
    page = client.get(f"/learn/{lesson}", headers={"Accept-Language": language}).content.decode()
    assert f'href="/labs/{lab}"' in page
