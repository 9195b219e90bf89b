"""What two people agree on, and what holds when two parents agreed differently."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from families.terms import Terms, View, combined, quiet_until

LA = ZoneInfo("America/Los_Angeles")
MOMENTS = st.integers(1_767_225_600, 1_830_297_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
NIGHT = Terms(quiet_from=time(21), quiet_to=time(7))
NOON = Terms(quiet_from=time(12), quiet_to=time(13))


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=LA)  # type: ignore[misc, arg-type]


class TestQuietHours:
    @pytest.mark.parametrize(
        ("hour", "quiet"),
        [(20, False), (21, True), (23, True), (0, True), (6, True), (7, False), (12, False)],
    )
    def test_may_span_midnight(self, hour: int, quiet: bool) -> None:
        assert NIGHT.is_quiet(time(hour)) is quiet

    def test_end_the_next_morning(self) -> None:
        assert quiet_until([NIGHT], now=at(2026, 6, 1, 22), zone=LA) == at(2026, 6, 2, 7)

    def test_do_not_hold_by_day(self) -> None:
        assert quiet_until([NIGHT], now=at(2026, 6, 1, 12), zone=LA) is None

    def test_are_the_teens_own_night_wherever_the_server_is(self) -> None:
        assert quiet_until([NIGHT], now=datetime(2026, 6, 2, 5, tzinfo=UTC), zone=LA) == at(2026, 6, 2, 7)
        assert (
            quiet_until([NIGHT], now=datetime(2026, 6, 2, 5, tzinfo=UTC), zone=ZoneInfo("Asia/Tokyo")) is None
        )

    def test_of_two_parents_join(self) -> None:
        early = Terms(quiet_from=time(20), quiet_to=time(22))
        assert quiet_until([early, NIGHT], now=at(2026, 6, 1, 20, 30), zone=LA) == at(2026, 6, 2, 7)
        assert quiet_until([NOON, NIGHT], now=at(2026, 6, 1, 12, 30), zone=LA) == at(2026, 6, 1, 13)

    def test_of_two_parents_may_fill_the_day(self) -> None:
        day = Terms(quiet_from=time(7), quiet_to=time(21))
        assert quiet_until([day, NIGHT], now=at(2026, 6, 1, 12), zone=LA) is not None

    def test_end_an_hour_later_by_the_sun_when_the_clocks_go_forward(self) -> None:
        until = quiet_until([NIGHT], now=at(2027, 3, 13, 22), zone=LA)
        assert until is not None
        assert until == at(2027, 3, 14, 7)
        assert (until - at(2027, 3, 13, 22)).total_seconds() == 8 * 3600

    def test_last_longer_when_they_go_back(self) -> None:
        until = quiet_until([NIGHT], now=at(2026, 10, 31, 22), zone=LA)
        assert until
        assert (until - at(2026, 10, 31, 22)).total_seconds() == 10 * 3600

    def test_that_end_at_a_time_which_the_clocks_skip_end_as_they_go_on(self) -> None:
        skipped = Terms(quiet_from=time(21), quiet_to=time(2, 30))
        until = quiet_until([skipped], now=at(2027, 3, 13, 22), zone=LA)
        assert until == at(2027, 3, 14, 3, 30)

    @given(
        st.times(),
        st.times(),
        MOMENTS,
    )
    def test_always_end_within_a_day_and_never_in_the_past(
        self, begins: time, ends: time, now: datetime
    ) -> None:
        until = quiet_until([Terms(quiet_from=begins, quiet_to=ends)], now=now, zone=LA)
        if until is not None:
            assert 0 < (until - now).total_seconds() <= 25 * 3600


class TestTwoParents:
    def test_the_more_private_view_wins(self) -> None:
        assert combined([Terms(view=View.FULL), Terms(view=View.FLAGGED)]).view == View.FLAGGED

    def test_memory_is_on_only_where_both_want_it(self) -> None:
        assert not combined([Terms(memory=True), Terms(memory=False)]).memory

    def test_the_smaller_limit_holds(self) -> None:
        assert combined([Terms(answers_a_day=20), Terms(), Terms(answers_a_day=5)]).answers_a_day == 5

    def test_without_a_parent_nothing_is_seen_or_limited(self) -> None:
        assert combined([]) == Terms()


class TestMorePrivate:
    FULL = Terms(view=View.FULL)

    @pytest.mark.parametrize("terms", [Terms(view=View.TOPICS), Terms(view=View.FLAGGED, memory=False)])
    def test_is_less_seen_or_less_remembered(self, terms: Terms) -> None:
        assert terms.only_more_private_than(self.FULL)

    @pytest.mark.parametrize(
        "terms",
        [
            FULL,
            Terms(view=View.TOPICS, answers_a_day=100),
            Terms(view=View.TOPICS, quiet_from=time(1), quiet_to=time(2)),
        ],
    )
    def test_is_nothing_else(self, terms: Terms) -> None:
        assert not terms.only_more_private_than(self.FULL)

    def test_is_not_remembering_more(self) -> None:
        assert not Terms(memory=True).only_more_private_than(Terms(memory=False))
