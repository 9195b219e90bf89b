"""Admins read which model answered each turn and why, and nothing that was written."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from chat.models import Conversation, EndReason, Turn, TurnState
from routing.models import TutorModel
from tests.chat.models import CLOUD_PRICES

AsPerson = Callable[[Person], Client]
ROUTES = "/admin/chat/turnroute/"
QUESTION, ANSWER, TITLE = "Why do whales sing?", "To find each other.", "Whales"


@pytest.fixture
def cloud(db: None) -> TutorModel:
    return TutorModel.objects.create(name="Cloud", base_url="https://api.example.com/v1", model_name="big")


@pytest.fixture
def add_turn(teen: Person, cloud: TutorModel) -> Callable[..., Turn]:
    conversation = Conversation.objects.create(owner=teen, title=TITLE)

    def add(state: TurnState = TurnState.ANSWERED, **fields: object) -> Turn:
        given = {"tutor_model": cloud, "model": "big", "is_local": False, "ended_at": timezone.now()}
        given |= {"prompt_tokens": 1200, "answer_tokens": 34, "microdollars": 321}
        return Turn.objects.create(
            pk=uuid4(),
            conversation=conversation,
            question=QUESTION,
            answer=ANSWER,
            state=state,
            **(given | fields),
        )

    return add


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


def test_a_route_is_one_sentence_without_text_or_person(
    admin_client: Client, add_turn: Callable[..., Turn], teen: Person
) -> None:
    turn = add_turn(
        TurnState.FAILED,
        end_reason=EndReason.MODEL_BUSY,
        route=[{"id": 1, "name": "Best", "reason": "budget"}],
    )
    for address in (ROUTES, f"{ROUTES}{turn.pk}/change/"):
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(address).content.decode()
        assert "Best was not used because the budget had too little left for it" in page
        for part in ("big", "1234", "$0.000321", "the model’s server was busy"):
            assert part in page
        for secret in (QUESTION, ANSWER, TITLE, teen.username, teen.display_name):
            assert secret not in page
        # The texts are not even fetched.
        assert not [query for query in queries if '"question"' in query["sql"] or '"answer"' in query["sql"]]


def test_the_list_takes_the_same_queries_however_long_it_is(
    admin_client: Client, add_turn: Callable[..., Turn], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        add_turn()
    # Session, person, second factor, the models to choose from, the count and the turns.
    with django_assert_num_queries(5):
        admin_client.get(ROUTES)


def test_a_route_says_what_each_part_cost(admin_client: Client, add_turn: Callable[..., Turn]) -> None:
    parts = {"instructions": 400, "notes": 100, "turns": 500, "question": 50, "after_question": 150}
    cost = {
        "prompt_parts": parts,
        "cached_tokens": 900,
        "carried_tokens": 250,
        "microdollars": 1254,
        **CLOUD_PRICES,
    }
    for _ in range(4):
        turn = add_turn(**cost)
    page = admin_client.get(f"{ROUTES}{turn.pk}/change/").content.decode()
    for part in (
        "instructions: 400 tokens, 400 of them cached, $0.0002",
        "remembered: 600 tokens, 500 of them cached, $0.00045",
        "question: 50 tokens, $0.0001",
        "lessons or one-off instructions: 150 tokens, $0.0003",
        "answer: 34 tokens, $0.000204",
        "the latest questions and answers, and notes from the earlier ones",
        # Rounded, so that no one can tell which turns belong to the same conversation.
        "About 4,900 tokens, $0.005; with full memory about 4,800 tokens, ",
    ):
        assert part in page
    page = admin_client.get(ROUTES).content.decode()
    columns = {"prompt_tokens_by_part": "400 + 600 + 50 + 150", "cached": 900, "answered_tokens": 34}
    for column, shown in {**columns, "memory_short": "notes + window"}.items():
        assert page.count(f'<td class="field-{column}">{shown}</td>') == 4, column


def test_a_turn_without_counted_parts_has_dashes(admin_client: Client, add_turn: Callable[..., Turn]) -> None:
    turn = add_turn()
    assert '<td class="field-prompt_tokens_by_part">-</td>' in admin_client.get(ROUTES).content.decode()
    assert admin_client.get(f"{ROUTES}{turn.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "state",
    [TurnState.CARDED, TurnState.PAUSED, TurnState.REFUSED, TurnState.REDIRECTED, TurnState.CUT],
)
def test_turns_that_the_guard_ended_are_nowhere(
    admin_client: Client, add_turn: Callable[..., Turn], state: TurnState
) -> None:
    turn = add_turn(state)
    assert "0 routes" in admin_client.get(ROUTES).content.decode()
    assert "0 routes" in admin_client.get(ROUTES, {"state": state}).content.decode()
    assert admin_client.get(f"{ROUTES}{turn.pk}/change/").status_code == 302


def test_routes_can_be_filtered_by_model_state_and_day(
    admin_client: Client, add_turn: Callable[..., Turn], cloud: TutorModel
) -> None:
    add_turn()
    add_turn(TurnState.FAILED, tutor_model=None, model="")
    add_turn(asked_at=timezone.now() - timedelta(days=3))
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    queries: list[tuple[dict[str, str | int], int]] = [
        ({}, 3),
        ({"model": cloud.pk}, 2),
        ({"model": "made-up"}, 3),
        ({"state": "failed"}, 1),
        ({"asked_at__gte": today.isoformat()}, 2),
        ({"model": cloud.pk, "asked_at__gte": today.isoformat()}, 1),
    ]
    for query, count in queries:
        page = admin_client.get(ROUTES, query).content.decode()
        assert f"{count} route" in page, query


def test_no_one_can_change_add_or_delete_them(admin_client: Client, add_turn: Callable[..., Turn]) -> None:
    turn = add_turn()
    assert admin_client.post(f"{ROUTES}{turn.pk}/change/", {"answer": "x"}).status_code == 403
    assert admin_client.post(f"{ROUTES}{turn.pk}/delete/").status_code == 403
    assert admin_client.get(f"{ROUTES}add/").status_code == 403


@pytest.mark.parametrize("who", ["teen", "parent", "visitor"])
def test_no_one_but_admins_sees_them(who: str, as_person: AsPerson, request: pytest.FixtureRequest) -> None:
    client = Client() if who == "visitor" else as_person(request.getfixturevalue(who))
    assert client.get(ROUTES).status_code == 302


def test_staff_need_the_permission(make_person: Callable[..., Person], as_person: AsPerson) -> None:
    staff = make_person("vera", Role.ADMIN, is_staff=True)
    client = as_person(staff)
    assert client.get(ROUTES).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_turnroute"))
    assert client.get(ROUTES).status_code == 200
