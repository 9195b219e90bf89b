"""An admin looks at the ledger, and changes nothing but an allowance."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Person
from budgets.models import Budget, Entry, EntryKind
from budgets.services import hold_make
from tests.budgets.purse import LEASE

AsPerson = Callable[[Person], Client]


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


@pytest.fixture
def budget(purse_owner: Person) -> Budget:
    hold_make(
        owner=purse_owner,
        key="7e57ab1e-0000-4000-8000-000000000000",  # type: ignore[arg-type]
        prompt_tokens=100,
        answer_tokens=300,
        least_answer_tokens=50,
        lease=LEASE,
    )
    return purse_owner.budget


@pytest.mark.parametrize("table", ["budget", "period", "hold", "entry"])
def test_every_table_can_be_looked_at_and_searched(admin_client: Client, budget: Budget, table: str) -> None:
    page = admin_client.get(f"/admin/budgets/{table}/", {"q": "purse-owner"})
    assert page.status_code == 200
    assert b"400" in page.content or b"1000" in page.content or b"1,000" in page.content
    assert admin_client.get(f"/admin/budgets/{table}/add/").status_code == 403


@pytest.mark.parametrize("table", ["period", "hold", "entry"])
def test_nothing_but_an_allowance_can_be_changed(admin_client: Client, budget: Budget, table: str) -> None:
    rows = {
        "period": budget.periods.get().pk,
        "hold": budget.periods.get().holds.get().pk,
        "entry": Entry.objects.filter(kind=EntryKind.HOLD).get().pk,
    }
    assert admin_client.get(f"/admin/budgets/{table}/{rows[table]}/change/").status_code == 200
    assert admin_client.post(f"/admin/budgets/{table}/{rows[table]}/change/", {}).status_code == 403
    assert admin_client.post(f"/admin/budgets/{table}/{rows[table]}/delete/").status_code == 403


def test_a_changed_allowance_goes_through_the_ledger(admin_client: Client, budget: Budget) -> None:
    change = f"/admin/budgets/budget/{budget.pk}/change/"
    assert admin_client.post(change, {"daily_tokens": "200"}).status_code == 302
    period = budget.periods.get()
    # What is held stays held.
    assert period.granted == 400
    assert period.entries.filter(kind=EntryKind.GRANT).count() == 2
