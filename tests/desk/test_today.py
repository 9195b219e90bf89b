"""Today at a glance: what it sums up, for whom, and what it shows when there is nothing or a part is down."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import ConnectionError as ValkeyDown

from accounts.models import Person
from budgets.allowances import create_family_budget, get_site_budget
from budgets.audit import audit_ledger
from budgets.models import AlertKind, Audit, Budget, BudgetAlert, BudgetScope, EntryKind, LedgerEntry, Period
from budgets.services import settle_hold
from desk import figures, health
from desk.figures import sum_usage
from desk.health import PartState, list_known_health, record_heartbeat
from desk.load.generating import LoadSize, generate_load
from events.models import Event
from mail.models import Email
from safeguarding.counts import add_to_count
from safeguarding.models import CountKind
from tests.budgets.ledger import make_hold
from tests.desk.conftest import AsPerson, MakeStaff
from tests.markup import squeezed

pytestmark = pytest.mark.django_db

COSTS = (EntryKind.SETTLE, EntryKind.ABSORB, EntryKind.OVERRUN)
MAX_QUERIES = 12


def read_desk(client: Client) -> str:
    return squeezed(client.get("/admin/").content.decode())


def spend(owner: Person, *, tokens: int, at: datetime) -> None:
    hold = make_hold(owner, prompt=tokens, answer=300, now=at)
    settle_hold(key=hold.key, tokens=tokens, microdollars=0, now=at)


class TestWhatWasUsed:
    def test_equals_the_ledgers_entries(self, admin_person: Person) -> None:
        now = timezone.now()
        generate_load(size=LoadSize(turns=600, people=40, events=2, days=20), now=now)
        midnight = now.astimezone(admin_person.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        spans = [midnight, midnight - timedelta(days=6), midnight.replace(day=1)]
        for found, since in zip(sum_usage(person=admin_person, now=now), spans, strict=True):
            entries = LedgerEntry.objects.filter(kind__in=COSTS, at__gte=since)
            expected = entries.aggregate(
                tokens=Sum("tokens", default=0), dollars=Sum("microdollars", default=0)
            )
            assert (found.tokens, found.microdollars) == (expected["tokens"], expected["dollars"])
            assert found.answers == entries.count()

    def test_begins_at_midnight_on_the_clock_of_the_person_who_reads_it(
        self, admin_person: Person, parent: Person
    ) -> None:
        # Half past eleven in the evening in Los Angeles is the next morning in London.
        late = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
        spend(parent, tokens=100, at=late)
        admin_person.time_zone = "America/Los_Angeles"
        [there, *_] = sum_usage(person=admin_person, now=late + timedelta(hours=2))
        admin_person.time_zone = "Europe/London"
        [here, *_] = sum_usage(person=admin_person, now=late + timedelta(hours=2))
        assert (there.tokens, here.tokens) == (0, 100)

    def test_has_no_local_share_before_the_first_answer(self, admin_person: Person) -> None:
        assert [span.local_percent for span in sum_usage(person=admin_person, now=timezone.now())] == [
            None
        ] * 3


class TestThePage:
    def test_says_what_is_missing_on_a_new_site(self, as_person: AsPerson, admin_person: Person) -> None:
        page = read_desk(as_person(admin_person))
        assert "No event is coming up." in page
        assert "It hasn’t run yet." in page
        assert "No budget has an alert in its current period." in page
        assert "Everything of the last 7 days arrived" in page

    def test_shows_what_happened(self, as_person: AsPerson, admin_person: Person, parent: Person) -> None:
        spend(parent, tokens=1_250, at=timezone.now())
        add_to_count(CountKind.CARD, level="3")
        add_to_count(CountKind.UNSTORED_CARD, level="4")
        add_to_count(CountKind.CHECK_IN, level="1")
        Email.objects.create(
            key="k", to="a@example.org", subject="S", text="T", message_id="<1@example.org>", bounce="bounced"
        )
        Event.objects.create(
            slug="evening", title="An evening", summary="One.", starts_at=timezone.now() + timedelta(days=9),
            time_zone="UTC", minutes=60, is_published=True, capacity=20,
        )  # fmt: skip
        audit_ledger()
        page = read_desk(as_person(admin_person))
        assert "<td>1,250</td>" in page
        assert '<p class="desk-figure">2</p>' in page
        assert "1 bounced or was rejected" in page
        assert "0 of 20 spots are taken." in page
        assert "0 differences" in page

    def test_warns_of_a_ledger_that_does_not_add_up(self, as_person: AsPerson, admin_person: Person) -> None:
        Audit.objects.create(entries=9, differences=2, at=timezone.now() - timedelta(days=3))
        page = read_desk(as_person(admin_person))
        assert "2 differences" in page
        assert "Last night’s audit is missing." in page

    def test_shows_each_figure_only_to_those_who_may_open_what_it_sums_up(
        self, as_person: AsPerson, make_staff: MakeStaff
    ) -> None:
        headings = {
            "budgets.view_budget": "What the tutor used",
            "budgets.view_audit": "The ledger’s audit",
            "events.view_event": "Next event",
            "mail.view_email": "Email that came back",
            "safeguarding.view_weeklycount": "Crisis cards this week",
        }
        for permission, heading in headings.items():
            page = read_desk(as_person(make_staff(permission, username=permission.replace(".", "-"))))
            assert [shown for shown in headings.values() if shown in page] == [heading]

    @pytest.mark.parametrize(
        "permissions", [(), ("budgets.view_budget", "events.view_event", "mail.view_email")]
    )
    def test_needs_few_queries(
        self, permissions: tuple[str, ...], as_person: AsPerson, make_staff: MakeStaff, admin_person: Person
    ) -> None:
        generate_load(size=LoadSize(turns=100, people=20, events=4, days=5))
        client = as_person(make_staff(*permissions) if permissions else admin_person)
        client.get("/admin/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/admin/")
        assert len(queries) <= MAX_QUERIES, [query["sql"][:200] for query in queries]


def add_alert(budget: Budget, kind: AlertKind, *, ends_in: timedelta = timedelta(days=5)) -> BudgetAlert:
    """Record an alert in the budget's period, which is created if it has none."""
    ends_at = timezone.now() + ends_in
    times = {"starts_at": ends_at - timedelta(days=30), "ends_at": ends_at, "recheck_at": ends_at}
    period, _is_new = Period.objects.get_or_create(budget=budget, defaults=times)
    return BudgetAlert.objects.create(
        budget=budget, kind=kind, period_starts_at=period.starts_at, unit="tokens", spent=80, granted=100
    )


class TestBudgetAlerts:
    def test_of_the_site_lead_to_its_budget(self, as_person: AsPerson, admin_person: Person) -> None:
        site = get_site_budget()
        add_alert(site, AlertKind.MOSTLY_USED)
        page = read_desk(as_person(admin_person))
        assert f'<a href="/admin/budgets/budget/{site.pk}/change/">The site’s budget is used to 80%' in page

    def test_are_gone_when_their_period_is_over(self, as_person: AsPerson, admin_person: Person) -> None:
        add_alert(create_family_budget(time_zone="UTC"), AlertKind.USED_UP, ends_in=-timedelta(hours=1))
        assert "No budget has an alert in its current period." in read_desk(as_person(admin_person))

    def test_of_forty_families_are_five_with_what_is_used_up_first(
        self, as_person: AsPerson, admin_person: Person
    ) -> None:
        budgets = [create_family_budget(time_zone="UTC") for _number in range(40)]
        for budget in budgets:
            add_alert(budget, AlertKind.MOSTLY_USED)
        used_up = Budget.objects.filter(scope=BudgetScope.FAMILY).earliest("pk")
        add_alert(used_up, AlertKind.USED_UP)
        client = as_person(admin_person)
        client.get("/admin/")
        with CaptureQueriesContext(connection) as queries:
            page = read_desk(client)
        alerts = page.partition('<ul class="desk-alerts"')[2].partition("</ul>")[0]
        assert alerts.count("<li") == 5
        assert f"/admin/budgets/budget/{used_up.pk}/change/" in alerts.partition("</li>")[0]
        assert "See 35 more budgets with alerts" in page
        assert len(queries) <= MAX_QUERIES, [query["sql"][:200] for query in queries]


class TestAPartThatIsDown:
    @pytest.mark.parametrize(
        "name", ["list_current_alerts", "find_latest_audit", "count_undelivered", "count_week_cards"]
    )
    def test_leaves_the_rest_of_the_desk(
        self, name: str, as_person: AsPerson, admin_person: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_args: Any, **_named: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(figures, name, fail)
        page = read_desk(as_person(admin_person))
        assert page.count("This can’t be read now.") == 1
        assert "What would you like to do?" in page

    def test_is_named(
        self, as_person: AsPerson, admin_person: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_url: str) -> None:
            raise ValkeyDown

        monkeypatch.setattr(health, "_client", fail)
        page = read_desk(as_person(admin_person))
        assert "Some parts need a look." in page
        assert "It can’t be looked at: ConnectionError." in page


def find_part(name: str, **at: datetime) -> health.PartHealth:
    [part] = [part for part in list_known_health(**at) if part.name == name]
    return part


class TestTheWorker:
    def test_is_fine_while_it_reports(self) -> None:
        record_heartbeat()
        assert find_part("Worker").state is PartState.GOOD

    def test_is_missed_after_three_reports(self) -> None:
        now = timezone.now()
        record_heartbeat(now=now - timedelta(minutes=5))
        part = find_part("Worker", now=now)
        assert (part.state, part.sentence) == (
            PartState.BAD,
            "It hasn’t reported for 5\N{NO-BREAK SPACE}minutes.",
        )

    def test_is_missed_if_it_never_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "HEARTBEAT_KEY", "desk:no-heartbeat")
        assert find_part("Worker").sentence == "It hasn’t reported for a day."


class TestEmail:
    def test_that_waits_too_long_is_a_problem(self) -> None:
        due = timezone.now() - timedelta(minutes=11)
        Email.objects.create(
            key="k", to="a@example.org", subject="S", text="T", message_id="<1@example.org>", send_after=due
        )
        part = find_part("Email")
        assert part.state is PartState.BAD
        assert part.sentence == "1 email has waited for more than ten minutes."


@pytest.mark.usefixtures("without_worker")
def test_health_asks_every_part_now(as_person: Callable[[Person], Client], admin_person: Person) -> None:
    page = squeezed(as_person(admin_person).get("/admin/desk/health").content.decode())
    assert '<li class="is-bad"><h2>Worker</h2>' in page
    assert '<li class="is-good"><h2>Queue</h2>' in page
