from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person
from tests.budgets.ledger import set_budget
from tests.rest.problems import require_problem

AsPerson = Callable[[Person], Client]
BUDGET = "/api/v1/budget"


@pytest.mark.parametrize("who", ["teen", "parent", "admin_person"])
def test_people_read_their_own_budget(
    who: str,
    stranger: Person,
    as_person: AsPerson,
    request: pytest.FixtureRequest,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    set_budget(stranger, tokens=7)
    client = as_person(request.getfixturevalue(who))
    with django_assert_num_queries(3):
        body = client.get(BUDGET).json()
    assert body.pop("refills_at")
    assert body == {
        "granted": 20_000, "spent": 0, "held": 0, "left": 20_000, "short_answers": 40, "scope": "person",
        "stop_reason": None,
    }  # fmt: skip


def test_a_visitor_gets_a_401(client: Client, db: None) -> None:
    require_problem(client.get(BUDGET), "not-signed-in", 401)
