"""An alert is sent once for a kind and period, to those who can do something, however many processes look."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from accounts.models import Person, Role
from budgets.alerts import describe_alert, send_alerts
from budgets.allowances import create_family_budget, get_site_budget, set_allowance, set_parent_budget
from budgets.models import AlertKind, Budget, BudgetAlert
from budgets.services import create_hold, settle_hold
from budgets.tasks import send_alerts as send_alerts_task
from mail.models import Email
from tests.budgets.ledger import LEASE, set_budget
from tests.budgets.rush import at_once

# In a month that began on the 1st at seven in Los Angeles.
THE_TENTH = datetime(2026, 11, 10, 20, tzinfo=UTC)
NEXT_MONTH = datetime(2026, 12, 2, 20, tzinfo=UTC)


@pytest.fixture
def keeper(db: None) -> Person:
    """A member of staff who may change budgets."""
    keeper = Person.objects.create(
        username="keeper", role=Role.ADMIN, is_staff=True, email="keeper@example.org", language="es"
    )
    keeper.user_permissions.add(Permission.objects.get(codename="change_budget"))
    return keeper


@pytest.fixture
def owner(db: None) -> Person:
    """A teen without a limit of their own."""
    owner = Person.objects.create(username="owner", role=Role.TEEN)
    set_budget(owner, tokens=None)
    return owner


def limit(budget: Budget, *, now: datetime = THE_TENTH, **limits: int | None) -> Budget:
    values: dict[str, int | None] = {"tokens": None, "microdollars": None, **limits}
    return set_allowance(budget=budget, now=now, **values)  # type: ignore[arg-type]


def spend(owner: Person, tokens: int, microdollars: int = 0, *, now: datetime = THE_TENTH) -> None:
    key = uuid4()
    create_hold(
        owner=owner, key=key, prompt_tokens=tokens, answer_tokens=1, min_answer_tokens=1, lease=LEASE, now=now,
        prompt_microdollars=microdollars,
    )  # fmt: skip
    settle_hold(key=key, tokens=tokens, microdollars=microdollars, now=now)


def list_kinds() -> list[str]:
    return list(BudgetAlert.objects.order_by("pk").values_list("kind", flat=True))


def test_at_eighty_percent_and_when_it_is_used_up(keeper: Person, owner: Person) -> None:
    limit(get_site_budget(), tokens=100_000)
    spend(owner, 79_999)
    # At this pace it ends on the 12th; that is another alert.
    assert send_alerts(now=THE_TENTH) == 1
    spend(owner, 1)
    assert send_alerts(now=THE_TENTH) == 1
    assert send_alerts(now=THE_TENTH) == 0
    spend(owner, 19_600)
    assert send_alerts(now=THE_TENTH) == 1
    assert list_kinds() == [AlertKind.TOO_FAST, AlertKind.MOSTLY_USED, AlertKind.USED_UP]
    assert Email.objects.filter(to="keeper@example.org").count() == 3


def test_once_in_a_period_and_again_in_the_next(keeper: Person, owner: Person) -> None:
    limit(get_site_budget(), tokens=100_000)
    spend(owner, 85_000)
    assert send_alerts(now=THE_TENTH) == 1
    spend(owner, 85_000, now=NEXT_MONTH)
    assert send_alerts(now=NEXT_MONTH) == 1
    assert list_kinds() == [AlertKind.MOSTLY_USED] * 2


def test_the_limit_in_dollars_counts_too(keeper: Person, owner: Person) -> None:
    limit(get_site_budget(), tokens=10_000_000, microdollars=10_000_000)
    spend(owner, 1000, 8_500_000)
    send_alerts(now=THE_TENTH)
    alert = BudgetAlert.objects.get()
    assert (alert.unit, alert.spent, alert.granted) == ("microdollars", 8_500_000, 10_000_000)
    assert describe_alert(alert) == "The site’s budget is used to 85%: $8.50 of $10.00."


def test_at_this_pace_the_month_ends_on_the_nineteenth(keeper: Person, owner: Person) -> None:
    limit(get_site_budget(), tokens=100_000)
    # Half of it, when nine days and five hours of the month are over.
    spend(owner, 50_000)
    send_alerts(now=THE_TENTH)
    alert = BudgetAlert.objects.get()
    assert alert.kind == AlertKind.TOO_FAST
    assert alert.runs_out_at == datetime(2026, 11, 20, 1, tzinfo=UTC)  # the 19th in Los Angeles
    email = Email.objects.get()
    assert email.language == "es"
    assert "19" in email.text


def test_a_slow_month_is_no_alert(keeper: Person, owner: Person) -> None:
    limit(get_site_budget(), tokens=100_000)
    spend(owner, 20_000)
    assert send_alerts(now=THE_TENTH) == 0


def test_a_site_without_a_limit_has_no_alerts(keeper: Person, owner: Person) -> None:
    spend(owner, 10**6)
    assert send_alerts(now=THE_TENTH) == 0


def test_a_familys_budget_tells_its_parents_and_no_teen(keeper: Person, owner: Person) -> None:
    family = limit(create_family_budget(time_zone="America/Los_Angeles"), tokens=10_000)
    Person.objects.filter(pk=owner.pk).update(email="teen@example.org")
    parent = Person.objects.create(username="sam", role=Role.PARENT, email="sam@example.org")
    stranger = Person.objects.create(username="x", role=Role.PARENT, email="stranger@example.org")
    for person in (owner, parent):
        set_parent_budget(owner=person, parent=family)
    spend(owner, 9000)
    send_alerts(now=THE_TENTH)
    assert set(Email.objects.values_list("to", flat=True)) == {"keeper@example.org", "sam@example.org"}
    told = Email.objects.get(to=parent.email)
    assert told.subject == "Your family’s shared allowance: 80% used"
    # How much, and nothing of who asked what.
    assert "9,000 tokens of 10,000 tokens" in told.text
    assert "owner" not in told.text
    assert stranger.email not in told.text


def test_staff_who_may_not_change_budgets_are_not_told(keeper: Person, owner: Person) -> None:
    Person.objects.create(username="host", role=Role.ADMIN, is_staff=True, email="host@example.org")
    Person.objects.create(
        username="gone",
        role=Role.ADMIN,
        is_staff=True,
        is_superuser=True,
        is_active=False,
        email="gone@example.org",
    )
    limit(get_site_budget(), tokens=100_000)
    spend(owner, 85_000)
    send_alerts(now=THE_TENTH)
    assert list(Email.objects.values_list("to", flat=True)) == ["keeper@example.org"]


def test_held_tokens_are_no_alert(keeper: Person, owner: Person) -> None:
    limit(get_site_budget(), tokens=100_000)
    create_hold(
        owner=owner,
        key=uuid4(),
        prompt_tokens=99_000,
        answer_tokens=1,
        min_answer_tokens=1,
        lease=LEASE,
        now=THE_TENTH,
    )
    assert send_alerts(now=THE_TENTH) == 0


@pytest.mark.django_db(transaction=True)
def test_many_who_spend_and_look_at_once_send_one_alert() -> None:
    Person.objects.create(
        username="boss", role=Role.ADMIN, is_staff=True, is_superuser=True, email="boss@example.org"
    )
    now = datetime.now(UTC)
    limit(get_site_budget(), now=now, tokens=100_000)
    # More people than the site has shards.
    people = [Person.objects.create(username=f"p{number}", role=Role.TEEN) for number in range(20)]
    for person in people:
        set_budget(person, tokens=None)

    def work(person: Person) -> int:
        spend(person, 4400, now=now + timedelta(seconds=1))
        return sum(send_alerts(now=now + timedelta(seconds=1)) for _ in range(3))

    sent = at_once([lambda person=person: work(person) for person in people])  # type: ignore[misc]
    assert sum(sent) == BudgetAlert.objects.count()
    assert BudgetAlert.objects.filter(kind=AlertKind.MOSTLY_USED).count() == 1
    assert Email.objects.filter(to="boss@example.org").count() == BudgetAlert.objects.count()
    assert send_alerts_task() == 0
