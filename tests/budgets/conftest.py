import pytest

from accounts.models import Person, Role
from tests.budgets.ledger import set_budget


@pytest.fixture
def budget_owner(db: None) -> Person:
    """A person in Los Angeles with 1,000 tokens a day."""
    owner = Person.objects.create(username="budget-owner", role=Role.TEEN, time_zone="America/Los_Angeles")
    set_budget(owner, tokens=1000)
    return owner


@pytest.fixture
def other_owner(db: None) -> Person:
    return Person.objects.create(username="other-owner", role=Role.TEEN)
