"""The circuit breaker on a real Valkey."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from kit import valkey
from routing import breaker
from routing.breaker import (
    FIRST_REST_SECONDS,
    HEALTHY,
    MAX_FAILURES,
    MAX_REST_SECONDS,
    Health,
    allow_request,
    read_health,
    record_failure,
    record_success,
)

MODEL = 41


def rest_ms() -> int:
    left = valkey.create_client().pttl(f"model:{MODEL}:rest")
    assert isinstance(left, int)
    return left


def end_rest() -> None:
    """Let the model's rest be over."""
    valkey.create_client().delete(f"model:{MODEL}:rest")


def fail(times: int = MAX_FAILURES) -> None:
    for _ in range(times):
        record_failure(MODEL)


def test_a_few_failures_change_nothing_and_a_success_forgets_them() -> None:
    fail(MAX_FAILURES - 1)
    record_success(MODEL)
    fail(MAX_FAILURES - 1)
    assert read_health([MODEL]) == {MODEL: HEALTHY}
    assert allow_request(MODEL)


def test_after_too_many_the_model_rests() -> None:
    fail()
    assert read_health([MODEL, 42]) == {MODEL: Health(is_resting=True), 42: HEALTHY}
    assert not allow_request(MODEL)
    assert 0 < rest_ms() <= FIRST_REST_SECONDS * 1000


def test_after_its_rest_exactly_one_of_many_questions_tries_it() -> None:
    fail()
    end_rest()
    assert read_health([MODEL])[MODEL].is_on_probation
    with ThreadPoolExecutor(20) as threads:
        allowed = list(threads.map(lambda _: allow_request(MODEL), range(100)))
    assert allowed.count(True) == 1


def test_a_failed_trial_makes_the_next_rest_twice_as_long() -> None:
    fail()
    for rests in range(1, 7):
        end_rest()
        assert allow_request(MODEL)
        record_failure(MODEL)
        expected = min(FIRST_REST_SECONDS * 2**rests, MAX_REST_SECONDS) * 1000
        assert expected - 2000 < rest_ms() <= expected


def test_failures_at_the_same_time_begin_one_rest() -> None:
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: record_failure(MODEL), range(40)))
    end_rest()
    assert allow_request(MODEL)
    record_failure(MODEL)
    assert rest_ms() <= FIRST_REST_SECONDS * 2 * 1000


def test_a_successful_trial_ends_it() -> None:
    fail()
    end_rest()
    assert allow_request(MODEL)
    record_success(MODEL)
    assert read_health([MODEL]) == {MODEL: HEALTHY}
    assert allow_request(MODEL)


def test_a_server_that_names_a_time_rests_that_long_at_once() -> None:
    record_failure(MODEL, retry_after=45)
    assert 43_000 < rest_ms() <= 45_000


def test_without_valkey_every_model_counts_as_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis.from_url("redis://127.0.0.1:1/0", **valkey.build_client_options(seconds=0.2))
    monkeypatch.setattr(breaker, "_client", lambda: nowhere)
    fail()
    record_success(MODEL)
    breaker.keep_resting(MODEL, seconds=5)
    assert read_health([MODEL]) == {MODEL: HEALTHY}
    assert allow_request(MODEL)
