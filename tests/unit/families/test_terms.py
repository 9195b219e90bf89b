"""The terms of an agreement, and what applies if two parents agreed on different terms."""

from datetime import time

import pytest

from families.terms import ParentView, Terms, combine_terms
from kit.memory_policy import MemoryPolicy


class TestTwoParents:
    def test_the_more_private_view_wins(self) -> None:
        assert (
            combine_terms(
                [Terms(parent_view=ParentView.FULL), Terms(parent_view=ParentView.FLAGGED)]
            ).parent_view
            == ParentView.FLAGGED
        )

    def test_memory_is_on_only_if_both_want_it(self) -> None:
        assert combine_terms([Terms(), Terms(memory=MemoryPolicy.NONE)]).memory == MemoryPolicy.NONE

    @pytest.mark.parametrize("both", [False, True])
    def test_questions_stay_local_if_either_wants_it(self, both: bool) -> None:
        assert combine_terms([Terms(local_only=both), Terms(local_only=True)]).local_only
        assert not combine_terms([Terms(), Terms()]).local_only

    def test_the_smaller_limit_applies(self) -> None:
        assert (
            combine_terms([Terms(answers_per_day=20), Terms(), Terms(answers_per_day=5)]).answers_per_day == 5
        )

    def test_without_a_parent_nothing_is_seen_or_limited(self) -> None:
        assert combine_terms([]) == Terms(allows_spanning_notes=True)


class TestMorePrivate:
    FULL = Terms(parent_view=ParentView.FULL)

    @pytest.mark.parametrize(
        "terms",
        [
            Terms(parent_view=ParentView.TOPICS),
            Terms(parent_view=ParentView.FLAGGED, memory=MemoryPolicy.NONE),
            Terms(parent_view=ParentView.FULL, local_only=True),
            Terms(parent_view=ParentView.TOPICS, memory=MemoryPolicy.NONE, local_only=True),
        ],
    )
    def test_is_a_narrower_view_less_memory_or_local_models(self, terms: Terms) -> None:
        assert terms.is_only_more_private_than(self.FULL)

    @pytest.mark.parametrize(
        "terms",
        [
            FULL,
            Terms(parent_view=ParentView.TOPICS, answers_per_day=100),
            Terms(parent_view=ParentView.TOPICS, quiet_from=time(1), quiet_to=time(2)),
            Terms(parent_view=ParentView.TOPICS, time_zone="Pacific/Auckland"),
            Terms(parent_view=ParentView.FULL, local_only=True, answers_per_day=100),
            Terms(
                parent_view=ParentView.FULL,
                local_only=True,
                memory=MemoryPolicy.NONE,
                time_zone="Pacific/Auckland",
            ),
        ],
    )
    def test_is_not_any_other_change(self, terms: Terms) -> None:
        assert not terms.is_only_more_private_than(self.FULL)

    def test_is_not_more_memory(self) -> None:
        assert not Terms(memory=MemoryPolicy.FULL).is_only_more_private_than(Terms(memory=MemoryPolicy.NONE))

    def test_is_not_another_companys_model(self) -> None:
        local = Terms(parent_view=ParentView.FULL, local_only=True)
        assert not self.FULL.is_only_more_private_than(local)
        assert not Terms(parent_view=ParentView.TOPICS).is_only_more_private_than(local)
        assert not Terms(parent_view=ParentView.FULL, memory=MemoryPolicy.NONE).is_only_more_private_than(
            local
        )

    def test_is_not_local_models_with_a_wider_view_or_more_memory(self) -> None:
        assert not Terms(parent_view=ParentView.FULL, local_only=True).is_only_more_private_than(Terms())
        assert not Terms(local_only=True).is_only_more_private_than(Terms(memory=MemoryPolicy.NONE))
