"""Counts of cards and check-ins: always on, without words, and they only grow."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Person
from chat.models import Turn, TurnState
from chat.reports import create_report
from chat.services import answer_check_in
from inference.remote_guard import MAX_FAILURES, GuardBreaker
from safeguarding import counts
from safeguarding.counts import add_to_count, get_week_start, sum_year
from safeguarding.models import CountKind, WeeklyCount
from tests.budgets.rush import at_once
from tests.chat.conftest import Ask, Judged
from tests.chat.verdicts import HINTS
from tests.safeguarding.conftest import ACUTE, STATED, UNSAFE

pytestmark = pytest.mark.django_db
AsPerson = Callable[[Person], Client]
Waiting = list[Callable[[], None]]


def count(kind: CountKind, level: str = "") -> int:
    return sum_year(timezone.now().year).get((kind, level), 0)


class TestACard:
    @pytest.mark.parametrize(("text", "level"), [(STATED, "3"), (ACUTE, "4"), (UNSAFE, "S")])
    def test_is_counted_by_its_level(self, text: str, level: str, teen: Person, ask: Ask) -> None:
        assert ask(teen, text).state == TurnState.CARDED
        assert count(CountKind.CARD, level) == 1
        assert count(CountKind.REFERRAL, level) == 1

    def test_is_counted_for_an_adult(self, parent: Person, ask: Ask) -> None:
        ask(parent, STATED)
        assert count(CountKind.CARD, "3") == 1

    def test_within_a_day_of_another_is_the_same_referral(self, teen: Person, ask: Ask) -> None:
        ask(teen, STATED)
        ask(teen, ACUTE)
        assert (count(CountKind.CARD, "3"), count(CountKind.CARD, "4")) == (1, 1)
        assert (count(CountKind.REFERRAL, "3"), count(CountKind.REFERRAL, "4")) == (1, 0)

    def test_a_day_later_is_another_referral(self, teen: Person, ask: Ask) -> None:
        ask(teen, STATED)
        Turn.objects.update(ended_at=timezone.now() - timedelta(hours=25))
        ask(teen, STATED)
        assert count(CountKind.REFERRAL, "3") == 2

    def test_of_another_person_is_another_referral(self, teen: Person, stranger: Person, ask: Ask) -> None:
        ask(teen, STATED)
        ask(stranger, STATED)
        assert count(CountKind.REFERRAL, "3") == 2

    def test_that_its_reader_says_does_not_fit_is_counted_once(self, teen: Person, ask: Ask) -> None:
        turn = ask(teen, STATED)
        for _ in range(2):
            create_report(turn=turn)
        assert count(CountKind.MISREAD_CARD, "3") == 1

    def test_names_the_version_of_guard_and_texts(self, teen: Person, ask: Ask) -> None:
        ask(teen, STATED)
        [protocol] = set(WeeklyCount.objects.values_list("protocol", flat=True))
        version, texts = protocol.split()
        assert version.count(".") == 2
        assert len(texts) == 8

    def test_leaves_no_words_and_no_person_in_the_counts(self) -> None:
        fields = {field.name for field in WeeklyCount._meta.get_fields()}
        assert fields == {"id", "week_start", "kind", "level", "protocol", "count"}


class TestACheckIn:
    def test_is_counted_and_becomes_a_card_with_a_yes(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(HINTS)
        turn = ask(teen, "Nothing matters")
        assert turn.state == TurnState.PAUSED
        assert count(CountKind.CHECK_IN, "2") == 1
        assert count(CountKind.CARD, "3") == 0
        for _ in range(2):
            answer_check_in(turn=turn, is_yes=True)
        assert count(CountKind.CARD, "3") == 1

    def test_with_a_no_is_no_card(self, teen: Person, ask: Ask, judged: Judged) -> None:
        judged(HINTS)
        answer_check_in(turn=ask(teen, "Nothing matters"), is_yes=False)
        assert not WeeklyCount.objects.filter(kind=CountKind.CARD).exists()


class TestACardThatIsNotStored:
    def test_for_a_visitor_is_counted_in_the_background(
        self, client: Client, counts_in_background: Waiting
    ) -> None:
        assert b"card-crisis" in client.post("/tutor/ask", {"question": STATED}).content
        assert not WeeklyCount.objects.exists()
        [add] = counts_in_background
        counts._count_in_own_transaction(add)
        assert count(CountKind.UNSTORED_CARD, "3") == 1

    def test_in_the_api_is_counted_once(self, client: Client, counts_in_background: Waiting) -> None:
        reply = client.post(
            "/api/v1/turns",
            {"question": STATED},
            content_type="application/json",
            headers={"Idempotency-Key": str(uuid4())},
        )
        assert reply.json()["card"]
        assert len(counts_in_background) == 1

    def test_above_a_search_is_counted(
        self, teen: Person, as_person: AsPerson, library: None, counts_in_background: Waiting
    ) -> None:
        assert b"card-crisis" in as_person(teen).get("/learn/search", {"q": STATED}).content
        assert len(counts_in_background) == 1

    def test_is_not_counted_if_the_card_was_stored(
        self, teen: Person, as_person: AsPerson, counts_in_background: Waiting
    ) -> None:
        as_person(teen).post("/tutor/ask", {"question": STATED, "turn_id": str(uuid4())})
        assert not counts_in_background

    def test_is_lost_when_the_database_fails_and_the_next_ones_are_not_tried(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried = []

        def fail() -> None:
            tried.append(1)
            raise DatabaseError

        monkeypatch.setattr(counts, "_rests_until", 0.0)
        for _ in range(3):
            counts._count_in_own_transaction(fail)
        assert tried == [1]
        monkeypatch.setattr(counts, "_rests_until", 0.0)
        counts._count_in_own_transaction(lambda: add_to_count(CountKind.UNSTORED_CARD))
        assert count(CountKind.UNSTORED_CARD) == 1


class TestAnOutageOfTheRemoteGuard:
    @pytest.fixture(autouse=True)
    def _none_yet(self) -> None:
        cache.delete("safeguarding:guard-outage")

    def test_is_counted_once_it_has_failed_repeatedly(self, counts_in_background: Waiting) -> None:
        breaker = GuardBreaker()
        for failures in range(1, MAX_FAILURES + 3):
            breaker.record_failure()
            assert len(counts_in_background) == (failures >= MAX_FAILURES)

    def test_is_counted_once_for_all_processes(self, counts_in_background: Waiting) -> None:
        for _ in range(2):
            counts.record_guard_outage()
        for add in counts_in_background:
            counts._count_in_own_transaction(add)
        assert count(CountKind.GUARD_OUTAGE) == 1


class TestNumbers:
    def test_cannot_be_lowered_moved_or_deleted(self) -> None:
        add_to_count(CountKind.CARD, level="3")
        rows = WeeklyCount.objects.all()
        changes: list[Callable[[], object]] = [
            lambda: rows.update(count=0),
            lambda: rows.update(level="4"),
            lambda: rows.update(week_start=date(2020, 1, 1)),
            rows.delete,
        ]
        for change in changes:
            with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
                change()
        assert count(CountKind.CARD, "3") == 1

    @pytest.mark.django_db(transaction=True)
    def test_add_up_when_many_count_at_once(self, transactional_db: None) -> None:
        def add() -> None:
            with transaction.atomic():
                add_to_count(CountKind.CARD, level="3")

        at_once([add] * 16)
        assert count(CountKind.CARD, "3") == 16

    @pytest.mark.parametrize(
        ("day", "week"),
        [
            (date(2026, 11, 30), date(2026, 11, 30)),
            (date(2026, 12, 6), date(2026, 11, 30)),
            (date(2026, 12, 31), date(2026, 12, 28)),
            (date(2027, 1, 1), date(2027, 1, 1)),
            (date(2027, 1, 3), date(2027, 1, 1)),
            (date(2027, 1, 4), date(2027, 1, 4)),
        ],
    )
    def test_belong_to_a_week_of_one_year(self, day: date, week: date) -> None:
        assert get_week_start(day) == week

    def test_of_the_weeks_add_up_to_their_year(self, monkeypatch: pytest.MonkeyPatch) -> None:
        day = datetime(2026, 12, 20, 12, tzinfo=UTC)
        while day.date() < date(2027, 1, 12):
            monkeypatch.setattr("safeguarding.counts.timezone.now", lambda now=day: now)
            add_to_count(CountKind.CARD, level="3")
            day += timedelta(days=1)
        assert sum_year(2026) == {(CountKind.CARD, "3"): 12}
        assert sum_year(2027) == {(CountKind.CARD, "3"): 11}

    def test_a_card_that_is_rolled_back_is_not_counted(self, teen: Person, ask: Ask) -> None:
        with transaction.atomic():
            ask(teen, STATED)
            transaction.set_rollback(True)
        assert not WeeklyCount.objects.exists()
