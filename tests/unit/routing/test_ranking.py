"""The order in which models are tried, without a database."""

import pytest

from inference.prices import FREE, Prices
from routing.breaker import Health
from routing.models import TutorModel
from routing.ranking import Ranking, Skipped, SkipReason, find_twin, rank_models

RESTS, ON_PROBATION = Health(is_resting=True), Health(is_on_probation=True)


def make_model(pk: int, host: str = "api.example.com", **fields: object) -> TutorModel:
    return TutorModel(pk=pk, name=f"model {pk}", base_url=f"http://{host}/v1", **fields)


CLOUD = make_model(1, position=1)
OTHER_CLOUD = make_model(2, "other.example.com", position=2)
LOCAL = make_model(3, "127.0.0.1:8080", position=3)
ALL = [CLOUD, OTHER_CLOUD, LOCAL]


def names(ranking: Ranking) -> list[int]:
    return [model.pk for model in ranking.models]


def test_an_empty_plan_has_every_model_in_the_order_of_the_admin() -> None:
    ranking = rank_models(ALL)
    assert names(ranking) == [1, 2, 3]
    assert ranking.has_outside_model
    assert ranking.list_passed_over(CLOUD, []) == []


def test_a_plan_names_its_models_and_local_ones_come_last() -> None:
    ranking = rank_models(ALL, plan_model_ids=[2])
    assert names(ranking) == [2, 3]
    assert ranking.list_passed_over(OTHER_CLOUD, []) == [Skipped(CLOUD, SkipReason.PLAN)]


def test_a_plan_whose_models_are_gone_falls_back_to_local_ones() -> None:
    assert names(rank_models(ALL, plan_model_ids=[99])) == [3]


def test_local_only_wins_over_the_plan() -> None:
    ranking = rank_models(ALL, plan_model_ids=[1, 2], local_only=True)
    assert names(ranking) == [3]
    assert not ranking.has_outside_model
    assert {skipped.reason for skipped in ranking.list_passed_over(LOCAL, [])} == {SkipReason.LOCAL_ONLY}


def test_local_only_without_a_local_model_leaves_none() -> None:
    assert names(rank_models([CLOUD], local_only=True)) == []


def test_a_model_that_rests_comes_last_and_one_on_trial_keeps_its_place() -> None:
    ranking = rank_models(ALL, health={1: RESTS, 2: ON_PROBATION})
    assert names(ranking) == [2, 3, 1]
    assert ranking.list_passed_over(OTHER_CLOUD, []) == [Skipped(CLOUD, SkipReason.DOWN)]


def test_if_all_rest_all_are_tried() -> None:
    assert names(rank_models(ALL, health=dict.fromkeys([1, 2, 3], RESTS))) == [1, 2, 3]


def test_a_model_that_failed_is_named_even_if_it_comes_later() -> None:
    ranking = rank_models(ALL)
    failed, refused = Skipped(LOCAL, SkipReason.FAILED), Skipped(OTHER_CLOUD, SkipReason.BUDGET)
    assert ranking.list_passed_over(CLOUD, [failed, refused]) == [failed]


class TestTwins:
    def test_a_twin_costs_no_more_and_is_on_the_same_side(self) -> None:
        twin = make_model(4, "127.0.0.1:8081")
        assert find_twin(LOCAL, [CLOUD, LOCAL, twin], {3: 0}) == twin
        assert find_twin(LOCAL, [CLOUD, LOCAL], {3: 0}) is None

    @pytest.mark.parametrize(
        "fields", [{"context_tokens": 4096}, {"prompt_profile": "small"}, {"input_price": 1}]
    )
    def test_another_kind_of_model_is_no_twin(self, fields: dict[str, object]) -> None:
        assert find_twin(LOCAL, [LOCAL, make_model(4, "127.0.0.1:8081", **fields)], {}) is None

    def test_a_full_twin_does_not_help(self) -> None:
        assert find_twin(LOCAL, [LOCAL, make_model(4, "127.0.0.1:8081")], {3: 0, 4: 0}) is None


def test_prices_compare_by_each_part() -> None:
    assert FREE.cost_at_most(Prices(input=1))
    assert not Prices(input=1, output=2).cost_at_most(Prices(input=2, output=1))
