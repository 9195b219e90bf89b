"""A question costs the database few statements, whatever else is on."""

import pytest

from accounts.models import Person
from tests.statements import count_statements

# Session and person are among the first two counts. The worker's include a checkpoint, and the claim after the answer.
MOST = {"asking": 17, "following": 6, "worker": 12}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("library", "unnudged")
def test_a_question_costs_few_statements(teen: Person) -> None:
    statements = count_statements(teen, "Why is the sky blue?")
    assert all(count <= MOST[name] for name, count in statements.counts.items()), statements
