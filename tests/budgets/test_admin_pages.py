"""The desk's pages about budgets: people are found, dollars are dollars, and a page says what a change will do."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Person, Role
from budgets.allowances import (
    assign_plan,
    create_family_budget,
    get_budget,
    get_site_budget,
    load_plans,
    set_allowance,
    set_parent_budget,
    set_site_stopped,
)
from budgets.calendar import PeriodLength
from budgets.grants import create_grant
from budgets.models import Budget, BudgetChange, ChangeKind, Grant, Period, Plan, StopReason
from budgets.selectors import read_statuses
from budgets.services import create_hold, settle_hold
from budgets.until import Until, get_day_end, get_last_day
from tests.budgets.ledger import LEASE
from tests.budgets.test_admin import confirm
from tests.markup import squeezed

AsPerson = Callable[[Person], Client]
PEOPLE = "/admin/budgets/budgetowner/"
MAX_QUERIES = 12


@pytest.fixture
def admin_client(admin_person: Person, as_person: AsPerson) -> Client:
    Person.objects.filter(pk=admin_person.pk).update(time_zone="America/Los_Angeles")
    return as_person(admin_person)


@pytest.fixture
def noor(db: None) -> Person:
    load_plans()
    return Person.objects.create(
        username="noor-16", display_name="Noor", role=Role.TEEN, time_zone="Europe/Madrid"
    )


@pytest.fixture
def sam(db: None) -> Person:
    return Person.objects.create(
        username="sam-parent", display_name="Sam", role=Role.PARENT, email="sam@example.org"
    )


@pytest.fixture
def family(noor: Person, sam: Person) -> Budget:
    family = create_family_budget(time_zone="Europe/Madrid")
    for person in (sam, noor):
        set_parent_budget(owner=person, parent=family)
    return family


def spend(owner: Person, tokens: int, microdollars: int = 0) -> None:
    key = uuid4()
    create_hold(
        owner=owner, key=key, prompt_tokens=tokens, answer_tokens=1, min_answer_tokens=1, lease=LEASE,
        prompt_microdollars=microdollars,
    )  # fmt: skip
    settle_hold(key=key, tokens=tokens, microdollars=microdollars)


def read(client: Client, path: str, query: dict[str, str] | None = None) -> str:
    page = client.get(path, query or {})
    assert page.status_code == 200
    return squeezed(page.content.decode())


class TestPeople:
    @pytest.mark.parametrize("text", ["Noor", "noor-16", "sam", "SAM@example.org", "noor sam"])
    def test_a_person_is_found_by_name_username_address_or_family(
        self, admin_client: Client, noor: Person, family: Budget, text: str
    ) -> None:
        page = read(admin_client, PEOPLE, {"q": text})
        assert "noor-16" in page
        assert "Sam and Noor" in page

    def test_people_without_a_family_are_not_found_through_each_other(
        self, admin_client: Client, noor: Person, family: Budget
    ) -> None:
        for name in ("lone-one", "lone-two"):
            get_budget(owner=Person.objects.create(username=name, role=Role.TEEN))
        page = read(admin_client, PEOPLE, {"q": "lone-one"})
        assert "lone-one" in page
        assert "lone-two" not in page

    def test_someone_who_never_asked_is_listed_and_gets_a_plan_and_a_grant(
        self, admin_client: Client, noor: Person
    ) -> None:
        path = f"{PEOPLE}{noor.pk}/change/"
        assert "20,000" in read(admin_client, PEOPLE, {"q": "noor"})
        assert not Budget.objects.filter(owner=noor).exists()
        pro = Plan.objects.get(slug=Plan.PRO)
        confirm(admin_client, path, {"plan": pro.pk})
        form: dict[str, object] = {
            "tokens": "500",
            "microdollars": "2.50",
            "until": "sunday",
            "reason": "A fair.",
        }
        confirm(admin_client, f"/admin/budgets/grant/add/?owner={noor.pk}", form)
        grant = Grant.objects.get()
        assert (grant.tokens, grant.microdollars) == (500, 2_500_000)
        status = read_statuses([get_budget(owner=noor)])[0]
        assert status.tokens_left == 200_500
        assert "200,500" in read(admin_client, PEOPLE, {"q": "noor"})
        spend(noor, 100)
        assert Period.objects.get(budget__owner=noor).granted == 200_500

    def test_the_list_takes_few_queries_for_any_number_of_people(
        self,
        admin_client: Client,
        noor: Person,
        family: Budget,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for number in range(40):
            person = Person.objects.create(username=f"teen-{number}", role=Role.TEEN)
            if number % 2:
                set_parent_budget(owner=person, parent=create_family_budget(time_zone="UTC"))
            if number % 3 == 0:
                spend(person, 100)
        with django_assert_max_num_queries(MAX_QUERIES):
            page = read(admin_client, PEOPLE)
        assert page.count("teen-") >= 40

    def test_an_erased_persons_budget_is_a_deleted_accounts(self, admin_client: Client, noor: Person) -> None:
        spend(noor, 10)
        budget = get_budget(owner=noor)
        noor.delete()
        assert "deleted account" in read(admin_client, f"/admin/budgets/budget/{budget.pk}/change/")


class TestFamilies:
    def test_a_family_is_named_after_its_members(self, admin_client: Client, family: Budget) -> None:
        assert str(Budget.objects.get(pk=family.pk)) == "Sam and Noor"
        assert "Sam and Noor" in read(admin_client, "/admin/budgets/budget/", {"q": "noor-16"})
        page = read(admin_client, f"/admin/budgets/budget/{family.pk}/change/")
        assert "People in this family" in page

    def test_a_family_without_members_has_its_number(self, db: None) -> None:
        family = create_family_budget(time_zone="UTC")
        assert str(family) == f"family {family.pk}"

    def test_its_limit_is_typed_in_dollars_and_its_effect_stated(
        self, admin_client: Client, noor: Person, family: Budget
    ) -> None:
        spend(noor, 100, 1_500_000)
        path = f"/admin/budgets/budget/{family.pk}/change/"
        form: dict[str, object] = {
            "tokens": "", "microdollars": "4.00", "period_length": "month", "time_zone": "Europe/Madrid",
        }  # fmt: skip
        stated = admin_client.post(path, form)
        page = squeezed(stated.content.decode())
        assert "Left now: no limit." in page
        assert re.search(r"Left right after the change, until .*: \$2.50\.", page)
        assert "What was used in this period counts: 100 tokens and $1.50." in page
        assert "From then on: $4.00 a month." in page
        confirm(admin_client, path, form)
        assert read_statuses([family])[0].microdollars_left == 2_500_000
        assert "$2.50" in read(admin_client, path)

    def test_the_list_of_budgets_takes_few_queries(
        self, admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            family = create_family_budget(time_zone="UTC")
            set_parent_budget(
                owner=Person.objects.create(username=f"t{number}", role=Role.TEEN), parent=family
            )
        for table in ("budget", "period", "grant", "budgetchange", "budgetalert"):
            with django_assert_max_num_queries(MAX_QUERIES):
                read(admin_client, f"/admin/budgets/{table}/")


class TestWhatAPageSays:
    """A plan that changes in mid-period behaves as the page says before it is confirmed."""

    @pytest.mark.parametrize("before", [Plan.FREE, "weekly", "monthly", "dollars", "endless"])
    @pytest.mark.parametrize("after", [Plan.FREE, Plan.PRO, "weekly", "monthly", "endless"])
    @pytest.mark.parametrize("used", [0, 19_000])
    def test_what_is_left_after_the_change_is_what_was_stated(
        self, admin_client: Client, noor: Person, before: str, after: str, used: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        # The part of a month that is left gets smaller by the second.
        now = timezone.now()
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)
        month = {"period_length": PeriodLength.MONTH}
        Plan.objects.create(slug="weekly", name="Weekly", tokens=70_000, period_length=PeriodLength.WEEK)
        Plan.objects.create(slug="monthly", name="Monthly", tokens=310_000, microdollars=5_000_000, **month)
        Plan.objects.create(slug="dollars", name="Dollars", microdollars=3_000_000, **month)
        Plan.objects.create(slug="endless", name="Endless")
        assign_plan(owner=noor, plan=Plan.objects.get(slug=before))
        if used:
            spend(noor, used, used)
        path, plan = f"{PEOPLE}{noor.pk}/change/", Plan.objects.get(slug=after)
        stated = admin_client.post(path, {"plan": plan.pk})
        sentences = stated.context["effect"]
        admin_client.post(path, {"plan": plan.pk, "basis": stated.context["basis"]})
        status = read_statuses([get_budget(owner=noor)])[0]
        tokens, money = status.tokens_left, status.microdollars_left
        expected = []
        if tokens is not None:
            expected.append("1 token" if tokens == 1 else f"{tokens:,} tokens")
        if money is not None:
            expected.append(f"${money / 1_000_000:,.2f}")
        assert sentences[1].endswith(f": {' and '.join(expected) or 'no limit'}.")
        # Nothing of the change is left for later: the next hold finds what was stated.
        if tokens:
            spend(noor, 1)
            assert read_statuses([get_budget(owner=noor)])[0].tokens_left == tokens - 1

    def test_a_page_that_is_out_of_date_states_the_effect_again(
        self, admin_client: Client, noor: Person
    ) -> None:
        path, pro = f"{PEOPLE}{noor.pk}/change/", Plan.objects.get(slug=Plan.PRO)
        stated = admin_client.post(path, {"plan": pro.pk})
        Plan.objects.filter(pk=pro.pk).update(tokens=50_000)
        again = admin_client.post(path, {"plan": pro.pk, "basis": stated.context["basis"]})
        assert again.status_code == 200
        assert "Something changed since you looked" in again.content.decode()
        assert get_budget(owner=noor).plan is None
        admin_client.post(path, {"plan": pro.pk, "basis": again.context["basis"]})
        assert read_statuses([get_budget(owner=noor)])[0].tokens_left == 50_000

    def test_from_a_month_to_a_day_no_one_waits_for_the_next_month(self, noor: Person) -> None:
        monthly = Plan.objects.create(
            slug="monthly", name="Monthly", tokens=310_000, period_length=PeriodLength.MONTH
        )
        # Half past noon in Madrid on the 10th, five and a half hours into a day that began at seven.
        now = datetime(2026, 11, 10, 11, 30, tzinfo=UTC)
        assign_plan(owner=noor, plan=monthly, now=now)
        key = uuid4()
        create_hold(
            owner=noor,
            key=key,
            prompt_tokens=200_000,
            answer_tokens=1,
            min_answer_tokens=1,
            lease=LEASE,
            now=now,
        )
        settle_hold(key=key, tokens=200_000, microdollars=0, now=now)
        assign_plan(owner=noor, plan=None, now=now)
        today = read_statuses([get_budget(owner=noor)], now=now)[0]
        assert today.tokens_left == 20_000 * 37 // 48  # 18.5 of 24 hours
        assert today.refills_at == datetime(2026, 11, 11, 6, tzinfo=UTC)
        # And back: no more than the month's own allowance in all.
        assign_plan(owner=noor, plan=monthly, now=now)
        tomorrow = now + timedelta(days=1)
        rest = read_statuses([get_budget(owner=noor)], now=tomorrow)[0]
        assert rest.tokens_left == 110_000


class TestGrants:
    def test_until_sunday_is_the_end_of_sunday_where_the_admin_is(
        self, admin_client: Client, noor: Person, admin_person: Person
    ) -> None:
        form: dict[str, object] = {"tokens": "5", "microdollars": "", "until": "sunday", "reason": "A fair."}
        confirm(admin_client, f"/admin/budgets/grant/add/?owner={noor.pk}", form)
        admin_person.refresh_from_db()
        local = Grant.objects.get().expires_at.astimezone(admin_person.zone)
        assert (local.weekday(), local.hour, local.minute) == (0, 0, 0)
        assert timedelta() < Grant.objects.get().expires_at - timezone.now() <= timedelta(days=7, hours=1)

    def test_the_page_says_what_is_left_after_it(self, admin_client: Client, noor: Person) -> None:
        spend(noor, 1000)
        form = {"tokens": "500", "microdollars": "", "until": "today", "reason": "A fair."}
        stated = admin_client.post(f"/admin/budgets/grant/add/?owner={noor.pk}", form)
        assert stated.context["effect"][:2] == [
            "Left now: 19,000 tokens.",
            "Left right after the grant: 19,500 tokens.",
        ]
        assert not Grant.objects.exists()

    def test_one_without_an_amount_a_date_or_a_person_is_refused(
        self, admin_client: Client, noor: Person
    ) -> None:
        path = f"/admin/budgets/grant/add/?owner={noor.pk}"
        base = {
            "tokens": "5",
            "microdollars": "",
            "until": "date",
            "last_day": "2099-01-01",
            "reason": "A fair.",
        }
        for wrong in (
            {"tokens": ""},
            {"last_day": ""},
            {"last_day": "2001-01-01"},
            {"reason": " "},
            {"until": "ever"},
        ):
            page = admin_client.post(path, base | wrong)
            assert page.context["form"].errors, wrong
        assert admin_client.get("/admin/budgets/grant/add/").status_code == 302
        assert admin_client.get("/admin/budgets/grant/add/?owner=999999999").status_code == 404
        assert not Grant.objects.exists()

    def test_grants_can_be_downloaded(self, admin_client: Client, noor: Person) -> None:
        create_grant(
            budget=get_budget(owner=noor),
            tokens=5,
            expires_at=timezone.now() + timedelta(days=1),
            reason="=1+1",
        )
        content = b"".join(admin_client.get("/admin/budgets/grant/csv/")).decode()
        assert "noor-16,5,0.000000," in content
        assert "'=1+1" in content


class TestPeriods:
    def test_the_sites_sixteen_shards_are_one_row(self, admin_client: Client, noor: Person) -> None:
        set_allowance(budget=get_site_budget(), tokens=160_000, microdollars=8_000_000)
        spend(noor, 700, 250_000)
        page = admin_client.get("/admin/budgets/period/", {"budget__scope__exact": "site"})
        [row] = page.context["cl"].result_list
        assert (row.sum_granted, row.sum_spent) == (160_000, 700)
        text = squeezed(page.content.decode())
        assert "$8.00" in text
        assert "$0.25" in text
        assert "$8.00" in read(admin_client, f"/admin/budgets/period/{row.pk}/change/")


class TestNearTheEdge:
    PATH = "/admin/budgets/budget/near-edge/"

    def test_people_and_families_are_ranked_by_the_part_that_is_left(
        self, admin_client: Client, noor: Person, sam: Person, family: Budget
    ) -> None:
        set_allowance(budget=family, tokens=None, microdollars=1_000_000)
        spend(noor, 19_000, 500_000)
        spend(sam, 1000)
        page = admin_client.get(self.PATH)
        rows = [(str(row.budget), round(row.part_left, 2)) for row in page.context["page"]]
        assert rows == [("Noor", 0.05), ("Sam and Noor", 0.5), ("Sam", 0.95)]
        by_dollars = admin_client.get(self.PATH, {"unit": "microdollars"})
        assert [str(row.budget) for row in by_dollars.context["page"]] == ["Sam and Noor"]

    def test_it_can_be_searched_and_takes_few_queries(
        self, admin_client: Client, noor: Person, sam: Person, family: Budget,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:  # fmt: skip
        set_allowance(budget=family, tokens=40_000)
        spend(noor, 100)
        for number in range(20):
            person = Person.objects.create(username=f"other-{number}", role=Role.TEEN)
            set_parent_budget(
                owner=person, parent=set_allowance(budget=create_family_budget(time_zone="UTC"), tokens=9000)
            )
            spend(person, 10)
        with django_assert_max_num_queries(MAX_QUERIES):
            page = read(admin_client, self.PATH)
        assert "other-3" in page
        found = read(admin_client, self.PATH, {"q": "sam"})
        assert "Noor" in found
        assert "other-3" not in found


class TestBurnDown:
    def test_the_chart_ends_at_what_the_ledger_says_is_left(self, admin_client: Client, noor: Person) -> None:
        spend(noor, 1000)
        spend(noor, 500)
        create_hold(
            owner=noor, key=uuid4(), prompt_tokens=200, answer_tokens=300, min_answer_tokens=1, lease=LEASE
        )
        page = admin_client.get(f"{PEOPLE}{noor.pk}/change/")
        [chart] = page.context["burn_downs"]
        assert (chart.granted, chart.used, chart.left) == (20_000, 2000, 18_000)
        assert sum(step.used for step in chart.steps) == 1500
        assert chart.steps[-1].left == 18_500
        text = squeezed(page.content.decode())
        assert "<svg" in text
        assert "18,500" in text
        assert "style=" not in text

    def test_the_site_and_a_family_have_one_too(
        self, admin_client: Client, noor: Person, sam: Person, family: Budget
    ) -> None:
        for budget in (family, get_site_budget()):
            set_allowance(budget=budget, tokens=100_000, microdollars=3_000_000)
        spend(noor, 1000, 20_000)
        spend(sam, 500)
        for budget in (family, get_site_budget()):
            charts = admin_client.get(f"/admin/budgets/budget/{budget.pk}/change/").context["burn_downs"]
            assert [(chart.unit, chart.used) for chart in charts] == [
                ("tokens", 1500),
                ("microdollars", 20_000),
            ]
            assert [sum(step.used for step in chart.steps) for chart in charts] == [1500, 20_000]


class TestHistory:
    def test_who_changed_what_is_told_in_plain_words(
        self, admin_client: Client, noor: Person, admin_person: Person
    ) -> None:
        pro = Plan.objects.get(slug=Plan.PRO)
        confirm(admin_client, f"{PEOPLE}{noor.pk}/change/", {"plan": pro.pk})
        form: dict[str, object] = {
            "tokens": "500",
            "microdollars": "1",
            "until": "today",
            "reason": "A fair.",
        }
        confirm(admin_client, f"/admin/budgets/grant/add/?owner={noor.pk}", form)
        page = read(admin_client, f"{PEOPLE}{noor.pk}/history/")
        assert "plan: Free → Pro" in page
        assert "Gave 500 tokens and $1.00 until the end of" in page
        assert str(admin_person) in page
        listed = read(admin_client, "/admin/budgets/budgetchange/", {"q": "noor"})
        assert "plan: Free → Pro" in listed

    def test_a_plans_own_history_has_limits_and_models(self, admin_client: Client, noor: Person) -> None:
        plan = Plan.objects.create(slug="own", name="Own", tokens=100, microdollars=1_000_000)
        form = {
            "name": "Own", "tokens": "200", "microdollars": "1.50", "period_length": "day", "memory_policy": "notes",
            "memory_tokens": "1100", "answers_per_hour": "20",
        }  # fmt: skip
        assert admin_client.post(f"/admin/budgets/plan/{plan.pk}/change/", form).status_code == 302
        page = read(admin_client, f"/admin/budgets/plan/{plan.pk}/history/")
        assert "tokens: 100 → 200; dollars: $1.00 → $1.50" in page
        assert "answers an hour before answers get shorter: no limit → 20" in page

    def test_a_change_is_never_rewritten(self, noor: Person) -> None:
        assign_plan(owner=noor, plan=Plan.objects.get(slug=Plan.PRO))
        change = BudgetChange.objects.get(kind=ChangeKind.PLAN_ASSIGNED)
        change.after = {"plan": "Free"}
        with pytest.raises(Exception, match="never changes"):
            change.save()

    def test_the_admins_name_goes_when_they_are_erased(self, noor: Person, admin_person: Person) -> None:
        assign_plan(owner=noor, plan=Plan.objects.get(slug=Plan.PRO), by=admin_person)
        set_site_stopped(is_stopped=True, reason=StopReason.FAULT, by=admin_person)
        admin_person.delete()
        assert not BudgetChange.objects.filter(by__isnull=False).exists()
        assert get_site_budget().stopped_by is None


class TestStop:
    PATH = "/admin/budgets/budget/stop/"

    def test_it_says_who_stopped_it_when_and_why_and_how_to_start(
        self, admin_client: Client, admin_person: Person
    ) -> None:
        assert "Stop the tutor now" in read(admin_client, self.PATH)
        assert admin_client.post(self.PATH, {"reason": "cost", "note": "A bill."}).status_code == 302
        page = read(admin_client, self.PATH)
        assert f"Stopped by {admin_person} on" in page
        assert "It has used more than was planned." in page
        assert "A bill." in page
        assert admin_client.post(self.PATH, {"to": "start"}).status_code == 302
        page = read(admin_client, self.PATH)
        assert "Let the tutor answer again." in page
        assert "Stopped the tutor on the whole site. Reason: It has used more than was planned." in page
        kinds = BudgetChange.objects.order_by("pk").values_list("kind", "by", "note")
        assert list(kinds) == [("stop", admin_person.pk, "A bill."), ("start", admin_person.pk, "")]

    def test_a_reason_of_ones_own_is_not_shown_to_teens_so_it_is_not_taken(
        self, admin_client: Client
    ) -> None:
        assert admin_client.post(self.PATH, {"reason": "Ana lost the key"}).status_code == 200
        assert get_site_budget().stopped_at is None

    def test_a_second_stop_keeps_the_first(self, admin_client: Client, noor: Person) -> None:
        admin_client.post(self.PATH, {"reason": "cost"})
        before = get_site_budget().stopped_at
        admin_client.post(self.PATH, {"reason": "fault"})
        assert (get_site_budget().stopped_at, get_site_budget().stop_reason) == (before, "cost")


def test_a_day_ends_where_the_admin_is_also_when_clocks_change() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    saturday = datetime(2026, 10, 31, tzinfo=zone).date()
    assert get_day_end(get_last_day(Until.SUNDAY, saturday), zone) == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert get_day_end(get_last_day(Until.TODAY, saturday), zone) == datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert get_day_end(get_last_day(Until.MONTH, saturday), zone) == datetime(2026, 11, 1, 7, tzinfo=UTC)
