"""A question costs the database few statements, whatever else is on."""

import pytest

from accounts.models import Person
from tests.statements import count_statements

# Reading session and person is among the first two counts, and the worker's next claim among its own.
MOST = {"asking": 6, "following": 5, "worker": 4}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("library", "unnudged")
def test_a_question_costs_few_statements(teen: Person) -> None:
    statements = count_statements(teen, "Why is the sky blue?")
    assert all(count <= MOST[name] for name, count in statements.counts.items()), statements
