"""What two people agree on, and what holds when two parents agreed differently."""

from datetime import time

import pytest

from families.terms import Terms, View, combined


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
            Terms(view=View.TOPICS, time_zone="Pacific/Auckland"),
        ],
    )
    def test_is_nothing_else(self, terms: Terms) -> None:
        assert not terms.only_more_private_than(self.FULL)

    def test_is_not_remembering_more(self) -> None:
        assert not Terms(memory=True).only_more_private_than(Terms(memory=False))
