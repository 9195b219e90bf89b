"""Admins can view the ledger and change it only through its services."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Person
from budgets.allowances import assign_plan, get_site_budget
from budgets.audit import audit_ledger
from budgets.models import Budget, EntryKind, Grant, Hold, LedgerEntry, Period, Plan
from budgets.services import create_hold, settle_hold
from routing.models import TutorModel
from tests.budgets.ledger import LEASE
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    return as_person(admin_person)


@pytest.fixture
def budget(budget_owner: Person) -> Budget:
    create_hold(
        owner=budget_owner,
        key="7e57ab1e-0000-4000-8000-000000000000",  # type: ignore[arg-type]
        prompt_tokens=100,
        answer_tokens=300,
        min_answer_tokens=50,
        lease=LEASE,
    )
    return budget_owner.budget


def confirm(client: Client, path: str, form: dict[str, object]) -> Any:
    """Post a form, and confirm what its page says that it does."""
    stated = client.post(path, form)
    assert stated.status_code == 200, stated
    confirmed: Any = client.post(path, {**form, "basis": stated.context["basis"]})
    assert confirmed.status_code == 302, confirmed.content.decode()
    return confirmed


@pytest.mark.parametrize("table", ["budget", "period", "hold", "ledgerentry"])
def test_every_table_can_be_viewed_and_searched(admin_client: Client, budget: Budget, table: str) -> None:
    page = admin_client.get(f"/admin/budgets/{table}/", {"q": "budget-owner"})
    assert page.status_code == 200
    assert b"400" in page.content or b"1000" in page.content or b"1,000" in page.content
    assert admin_client.get(f"/admin/budgets/{table}/add/").status_code == 403


@pytest.mark.parametrize("table", ["period", "hold", "ledgerentry"])
def test_the_ledger_is_read_only(admin_client: Client, budget: Budget, table: str) -> None:
    rows = {
        "period": budget.periods.get().pk,
        "hold": budget.periods.get().holds.get().pk,
        "ledgerentry": LedgerEntry.objects.filter(kind=EntryKind.HOLD).get().pk,
    }
    assert admin_client.get(f"/admin/budgets/{table}/{rows[table]}/change/").status_code == 200
    assert admin_client.post(f"/admin/budgets/{table}/{rows[table]}/change/", {}).status_code == 403
    assert admin_client.post(f"/admin/budgets/{table}/{rows[table]}/delete/").status_code == 403


def test_a_changed_plan_goes_through_the_ledger(admin_client: Client, budget: Budget) -> None:
    small = Plan.objects.create(slug="small", name="Small", tokens=200)
    change = f"/admin/budgets/budgetowner/{budget.owner_id}/change/"
    confirm(admin_client, change, {"plan": small.pk})
    period = budget.periods.get()
    # What is held stays held.
    assert period.granted == 400
    assert period.entries.filter(kind=EntryKind.ALLOWANCE).count() == 2


def test_changing_a_plan_changes_the_limits_of_everyone_on_it(admin_client: Client, budget: Budget) -> None:
    small = Plan.objects.create(slug="small", name="Small", tokens=2000)
    assert budget.owner
    assign_plan(owner=budget.owner, plan=small)
    form = {
        "name": "Smaller",
        "tokens": "700",
        "period_length": "day",
        "memory_policy": "none",
        "memory_tokens": "300",
    }
    stated = admin_client.post(f"/admin/budgets/plan/{small.pk}/change/", form)
    assert "1 person is on this plan" in stated.content.decode()
    assert "1 person has less left than before" in squeezed(stated.content.decode())
    assert budget.periods.get().granted == 2000
    posted = dict(stated.context["posted"]) | {"confirmed": "1"}
    assert admin_client.post(f"/admin/budgets/plan/{small.pk}/change/", posted).status_code == 302
    assert budget.periods.get().granted == 700
    assert admin_client.post(f"/admin/budgets/plan/{small.pk}/delete/").status_code == 403


def test_a_new_plan_can_be_made(admin_client: Client) -> None:
    model = TutorModel.objects.create(name="Small", base_url="http://127.0.0.1:9/v1", model_name="small")
    form = {
        "slug": "own",
        "name": "Own",
        "period_length": "week",
        "tutor_models": [str(model.pk)],
        "memory_policy": "notes",
        "memory_tokens": "900",
    }
    assert admin_client.post("/admin/budgets/plan/add/", form).status_code == 302
    own = Plan.objects.get(slug="own")
    assert (own.tokens, list(own.tutor_models.all()), own.period_length) == (None, [model], "week")


def test_the_sites_limits_and_its_stop_go_through_the_ledger(admin_client: Client, budget: Budget) -> None:
    site = get_site_budget()
    change = f"/admin/budgets/budget/{site.pk}/change/"
    form: dict[str, object] = {
        "tokens": "5000", "microdollars": "", "period_length": "month", "time_zone": "Europe/Berlin",
    }  # fmt: skip
    assert admin_client.get(change).status_code == 200
    confirm(admin_client, change, form)
    site = get_site_budget()
    assert (site.tokens, site.microdollars, site.time_zone) == (5000, None, "Europe/Berlin")
    assert sum(shard.granted for shard in site.periods.all()) == 5000
    assert admin_client.post(change, form | {"time_zone": "Mars/Base"}).status_code == 200
    stop = "/admin/budgets/budget/stop/"
    assert admin_client.post(stop, {"reason": "fault", "note": "The prices were wrong."}).status_code == 302
    assert get_site_budget().stopped_at
    assert admin_client.post(stop, {"to": "start"}).status_code == 302
    assert get_site_budget().stopped_at is None


def test_a_grant_is_given_once_and_not_changed(
    admin_client: Client, admin_person: Person, budget: Budget
) -> None:
    before = budget.periods.get().granted
    form: dict[str, object] = {
        "tokens": "300", "microdollars": "", "reason": "A science fair.", "until": "date",
        "last_day": "2099-01-01",
    }  # fmt: skip
    confirm(admin_client, f"/admin/budgets/grant/add/?budget={budget.pk}", form)
    assert budget.periods.get().granted == before + 300
    grant = Grant.objects.get()
    assert (grant.given_by, grant.reason) == (admin_person, "A science fair.")
    assert admin_client.post(f"/admin/budgets/grant/{grant.pk}/change/", {}).status_code == 403


def test_an_overrun_is_a_row_that_an_admin_sees(admin_client: Client, budget: Budget) -> None:
    settle_hold(key=Hold.objects.get().key, tokens=777, microdollars=0)
    page = admin_client.get("/admin/budgets/overrun/", {"q": "budget-owner"}).content.decode()
    assert "377" in page


def test_the_latest_audit_can_be_viewed(admin_client: Client, budget: Budget) -> None:
    Period.objects.filter(budget=budget).update(spent=3)
    audit = audit_ledger()
    page = admin_client.get(f"/admin/budgets/audit/{audit.pk}/change/").content.decode()
    assert "spent is 3, but its entries make 0" in page
    assert admin_client.get("/admin/budgets/audit/").status_code == 200
