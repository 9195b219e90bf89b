"""An agreement has its own time zone: pages show it, both sides can change it, and no account changes it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from accounts.services import update_person
from budgets.allowances import get_budget
from budgets.models import Budget
from budgets.periods import ensure_open_period
from budgets.selectors import get_meter
from config.settings.celery import CELERY_BEAT_SCHEDULE
from families import tasks
from families.agreements import answer_proposal, confirm_agreement_zone, propose_terms
from families.family_budget import apply_new_zones
from families.gate import ClosedReason, get_tutor_gate
from families.links import accept_invitation, create_invitation, end_link
from families.models import Link, Notice, Proposal, choose_zone
from families.terms import ParentView, Terms
from mail.models import Email

Enter = Callable[[Person], Client]
LA, MADRID = ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/Madrid")
NIGHT = Terms(quiet_from=time(21), quiet_to=time(7), time_zone="Europe/Madrid")
# 18:42 in Madrid, long before the clocks change.
NOW = datetime(2027, 6, 1, 16, 42, tzinfo=UTC)


def madrid(*when: int) -> datetime:
    return datetime(2027, 6, *when, tzinfo=MADRID)  # type: ignore[arg-type, misc]


@pytest.fixture
def at_night(link: Link) -> Link:
    """Quiet hours in Madrid for a teen whose account is in Los Angeles."""
    Link.objects.update(quiet_from=time(21), quiet_to=time(7), time_zone="Europe/Madrid")
    link.refresh_from_db()
    return link


@pytest.fixture
def _now() -> Any:
    with patch.object(timezone, "now", return_value=NOW):
        yield


def agree(link: Link, parent: Person, teen: Person, terms: Terms) -> None:
    propose_terms(link=link, by=parent, terms=terms)
    answer_proposal(link=link, by=teen, accept=True)
    link.refresh_from_db()


class TestTheGate:
    def test_follows_the_agreements_zone(self, at_night: Link, teen: Person) -> None:
        closed = get_tutor_gate(teen, now=madrid(1, 22))
        assert (closed.closed_reason, closed.until, closed.zone) == (ClosedReason.QUIET, madrid(2, 7), MADRID)
        assert get_tutor_gate(teen, now=madrid(1, 10)).closed_reason is None

    @pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Pacific/Apia", "UTC"])
    def test_ignores_the_zone_of_the_teens_account(self, zone: str, at_night: Link, teen: Person) -> None:
        update_person(person=teen, display_name="Noor", time_zone=zone)
        for hour in range(48):
            moment = madrid(1, 0) + timedelta(hours=hour)
            local = moment.astimezone(MADRID)
            closed = get_tutor_gate(teen, now=moment).closed_reason is ClosedReason.QUIET
            assert closed is (local.hour >= 21 or local.hour < 7)

    def test_says_when_it_opens_and_in_which_zone(
        self, at_night: Link, teen: Person, as_person: Enter
    ) -> None:
        now = timezone.now().astimezone(MADRID)
        Link.objects.update(
            quiet_from=(now - timedelta(hours=1)).time().replace(microsecond=0),
            quiet_to=(now + timedelta(hours=1)).time().replace(microsecond=0),
        )
        page = as_person(teen).get("/tutor/").content.decode()
        assert "It’s quiet hours" in page
        assert ", Madrid time, get some rest or talk to someone." in page


@pytest.mark.usefixtures("_now")
class TestAZoneChange:
    AUCKLAND = replace(NIGHT, time_zone="Pacific/Auckland")

    def test_waits_for_the_other_side_who_sees_the_zone(
        self, at_night: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        parent.email = "sam@example.org"
        parent.save()
        assert not propose_terms(link=at_night, by=teen, terms=self.AUCKLAND)
        assert get_tutor_gate(teen, now=madrid(5, 22)).closed_reason is ClosedReason.QUIET
        sentence = "Your agreement would use Auckland time."
        assert sentence in Notice.objects.get(person=parent).text
        assert sentence in Email.objects.get(to="sam@example.org").text
        page = as_person(parent).get(f"/family/links/{at_night.pk}/agreement").content.decode()
        assert "The agreement would use Auckland time, starting the day after you both agree." in page

    def test_starts_after_this_night_and_both_are_notified(
        self, at_night: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        agree(at_night, parent, teen, self.AUCKLAND)
        # Tonight still follows Madrid; tomorrow night follows Auckland.
        assert get_tutor_gate(teen, now=madrid(1, 22)).until == madrid(2, 7)
        assert at_night.zone_applies_from == madrid(2, 7)
        auckland = ZoneInfo("Pacific/Auckland")
        assert get_tutor_gate(teen, now=datetime(2027, 6, 2, 20, 59, tzinfo=auckland)).closed_reason is None
        assert get_tutor_gate(teen, now=datetime(2027, 6, 2, 21, 0, tzinfo=auckland)).zone == auckland
        sentence = "Your agreement uses Auckland time from June 2, 2027, 7 a.m., Madrid time."
        assert sentence in Notice.objects.get(person=parent, text__contains="said yes").text
        for person in (teen, parent):
            page = as_person(person).get(f"/family/links/{at_night.pk}/agreement").content.decode()
            assert sentence in page
            assert "Madrid time (it’s 6:42 p.m. there now)" in page

    def test_is_not_delayed_by_other_changes_and_can_be_undone(
        self, at_night: Link, teen: Person, parent: Person
    ) -> None:
        agree(at_night, parent, teen, self.AUCKLAND)
        agree(at_night, parent, teen, replace(self.AUCKLAND, answers_per_day=9))
        assert (at_night.zone_applies_from, at_night.earlier_zone) == (madrid(2, 7), "Europe/Madrid")
        agree(at_night, parent, teen, replace(NIGHT, answers_per_day=9))
        assert (at_night.time_zone, at_night.zone_applies_from) == ("Europe/Madrid", None)

    def test_never_counts_as_more_privacy(self, at_night: Link, teen: Person) -> None:
        Link.objects.update(parent_view=ParentView.FULL)
        assert not propose_terms(link=at_night, by=teen, terms=self.AUCKLAND)
        assert propose_terms(link=at_night, by=teen, terms=NIGHT)
        at_night.refresh_from_db()
        assert (at_night.parent_view, at_night.time_zone) == (ParentView.TOPICS, "Europe/Madrid")

    def test_to_an_alias_or_to_none_is_no_change(self, at_night: Link, teen: Person, parent: Person) -> None:
        agree(at_night, parent, teen, replace(NIGHT, time_zone="Asia/Calcutta"))
        assert at_night.time_zone == "Asia/Kolkata"
        assert propose_terms(link=at_night, by=teen, terms=replace(NIGHT, time_zone="Asia/Calcutta"))
        assert propose_terms(link=at_night, by=teen, terms=replace(NIGHT, time_zone=""))
        assert not Proposal.objects.exists()


class TestThePage:
    def test_asks_the_parent_to_confirm_a_guess(
        self, at_night: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        page = f"/family/links/{at_night.pk}/agreement"
        assert "time zone of your quiet hours: Madrid" in as_person(parent).get("/family/").content.decode()
        assert (
            "We guessed the time zone for your agreement: Madrid"
            in as_person(parent).get(page).content.decode()
        )
        teens = as_person(teen)
        assert "If that’s wrong, ask for another one below." in teens.get(page).content.decode()
        assert teens.post(f"/family/links/{at_night.pk}/zone").status_code == 404
        as_person(parent).post(f"/family/links/{at_night.pk}/zone")
        assert "We guessed" not in teens.get(page).content.decode()

    def test_does_not_ask_after_both_have_agreed(self, at_night: Link, teen: Person, parent: Person) -> None:
        agree(at_night, parent, teen, replace(NIGHT, answers_per_day=9))
        assert at_night.is_zone_confirmed

    def test_offers_the_zones_of_both_accounts_first(
        self, at_night: Link, teen: Person, parent: Person, as_person: Enter
    ) -> None:
        Person.objects.filter(pk=parent.pk).update(time_zone="Africa/Lagos")
        page = as_person(parent).get(f"/family/links/{at_night.pk}/agreement").content.decode()
        likely = page.partition('<optgroup label="Suggested">')[2].partition("</optgroup>")[0]
        assert '<option value="Europe/Madrid" selected>' in likely
        assert "America/Los_Angeles" in likely
        assert "Africa/Lagos" in likely


@pytest.mark.parametrize(
    ("parents", "teens", "zone", "is_certain"),
    [
        (("Europe/Madrid", True), ("Europe/Madrid", True), "Europe/Madrid", True),
        (("Europe/Madrid", True), ("America/Los_Angeles", False), "Europe/Madrid", False),
        (("Europe/London", True), ("Europe/Madrid", True), "Europe/Madrid", False),
        (("America/Los_Angeles", False), ("Europe/Madrid", True), "Europe/Madrid", False),
        (("America/Los_Angeles", False), ("America/Los_Angeles", False), "America/Los_Angeles", False),
    ],
)
def test_a_new_agreement_uses_a_confirmed_zone(
    parents: tuple[str, bool], teens: tuple[str, bool], zone: str, is_certain: bool
) -> None:
    parent, teen = (Person(time_zone=name, is_zone_confirmed=chosen) for name, chosen in (parents, teens))
    assert choose_zone(parent, teen) == (zone, is_certain)


def test_the_daily_limit_refills_in_the_agreements_zone(teen: Person, parent: Person) -> None:
    Person.objects.update(time_zone="Europe/Madrid", is_zone_confirmed=True)
    teen.refresh_from_db()
    parent.refresh_from_db()
    link = accept_invitation(token=create_invitation(by=parent).token, by=teen)
    assert Budget.objects.get(owner=teen).time_zone == "Europe/Madrid"
    before = get_meter(owner=teen, now=NOW).refills_at
    update_person(person=teen, display_name="Noor", time_zone="Pacific/Auckland")
    assert get_meter(owner=teen, now=NOW).refills_at == before == madrid(2, 7)
    end_link(link=link, by=parent)
    assert Budget.objects.get(owner=teen).time_zone == ""


@pytest.mark.usefixtures("_now", "db")
class TestANewZoneOfTheDailyLimit:
    AUCKLAND = replace(NIGHT, time_zone="Pacific/Auckland", answers_per_day=9)

    @pytest.fixture
    def moved(self, at_night: Link, parent: Person, teen: Person) -> Link:
        agree(at_night, parent, teen, self.AUCKLAND)
        return at_night

    def zone(self, teen: Person) -> str:
        return Budget.objects.get(owner=teen).time_zone

    def test_waits_for_the_next_day_of_the_earlier_zone(self, moved: Link, teen: Person) -> None:
        assert self.zone(teen) == "Europe/Madrid"
        assert get_meter(owner=teen, now=NOW).refills_at == madrid(2, 7)
        apply_new_zones(now=madrid(1, 23, 59))
        assert self.zone(teen) == "Europe/Madrid"
        apply_new_zones(now=madrid(2, 0, 1))
        assert self.zone(teen) == "Pacific/Auckland"

    def test_gives_no_second_allowance_in_one_day(self, moved: Link, teen: Person) -> None:
        ensure_open_period(get_budget(owner=teen), now=NOW, lock=False)
        before = get_meter(owner=teen, now=NOW)
        apply_new_zones(now=madrid(2, 0, 1))
        # The current day keeps its zone.
        assert get_meter(owner=teen, now=madrid(2, 6, 59)).refills_at == before.refills_at == madrid(2, 7)
        after = get_meter(owner=teen, now=madrid(2, 7, 1)).refills_at
        assert after.astimezone(ZoneInfo("Pacific/Auckland")).time() == time(7)

    def test_is_complete_after_the_night(self, moved: Link, teen: Person) -> None:
        assert apply_new_zones(now=madrid(2, 6, 59)) == 0
        assert apply_new_zones(now=madrid(2, 7)) == 1
        moved.refresh_from_db()
        assert (moved.zone_applies_from, moved.earlier_zone) == (None, "")
        assert apply_new_zones(now=madrid(2, 7, 5)) == 0
        assert get_tutor_gate(teen, now=madrid(2, 7, 5)).closed_reason is None

    def test_is_dropped_when_the_change_is_undone(self, moved: Link, teen: Person, parent: Person) -> None:
        agree(moved, parent, teen, replace(NIGHT, answers_per_day=9))
        assert apply_new_zones(now=madrid(2, 12)) == 0
        assert self.zone(teen) == "Europe/Madrid"

    def test_comes_from_the_oldest_agreement(self, moved: Link, teen: Person, other_parent: Person) -> None:
        newer = Link.objects.create(parent=other_parent, teen=teen, time_zone="Asia/Tokyo")
        Link.objects.filter(pk=newer.pk).update(earlier_zone="Asia/Seoul", zone_applies_from=madrid(1, 20))
        assert apply_new_zones(now=madrid(1, 21)) == 1
        assert self.zone(teen) == "Europe/Madrid"

    def test_is_applied_by_the_beat_schedule(self) -> None:
        assert CELERY_BEAT_SCHEDULE["apply new time zones"]["task"] == "families.tasks.apply_new_zones"
        assert isinstance(tasks.apply_new_zones(), int)


def test_confirming_a_zone_affects_one_link(link: Link, other_parent: Person, teen: Person) -> None:
    other = Link.objects.create(parent=other_parent, teen=teen)
    confirm_agreement_zone(link=link)
    other.refresh_from_db()
    assert not other.is_zone_confirmed
