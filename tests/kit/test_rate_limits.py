import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from kit import rate_limits
from kit.rate_limits import FailureBackoff, RateLimit, RateLimited, format_wait


@pytest.fixture
def who() -> str:
    return uuid.uuid4().hex


def test_a_rule_holds_for_each_by_themselves(who: str) -> None:
    limit = RateLimit("test one", "2/hour")
    limit.hit(who)
    limit.hit(who)
    limit.hit(f"other than {who}")
    with pytest.raises(RateLimited) as often:
        limit.hit(who)
    assert 0 < often.value.wait_seconds <= 3600


def test_the_second_rule_holds_where_the_first_allows(who: str) -> None:
    limit = RateLimit("test two", "10/second;3/hour")
    for _ in range(3):
        limit.hit(who)
    with pytest.raises(RateLimited) as often:
        limit.hit(who)
    assert often.value.wait_seconds > 60


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3540, "59 minutes"),
        (3541, "1 hour"), (3600, "1 hour"), (3601, "2 hours"), (86_400, "24 hours"),
    ],
)  # fmt: skip
def test_a_wait_is_rounded_up(seconds: int, words: str) -> None:
    assert format_wait(seconds) == words


def test_an_undone_hit_does_not_count(who: str) -> None:
    limit = RateLimit("test three", "1/hour")
    for _ in range(3):
        limit.hit(who)
        limit.undo_hit(who)
    limit.undo_hit(who)
    limit.hit(who)
    with pytest.raises(RateLimited):
        limit.hit(who)


class TestCountersThatHang:
    def test_are_tried_once_and_then_skipped_for_seconds(
        self, who: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[object] = []

        def refuse(*what: object) -> bool:
            asked.append(what)
            raise redis.TimeoutError

        monkeypatch.setattr(rate_limits._shared_counters(), "hit", refuse)
        monkeypatch.setattr(rate_limits._shared_counters(), "unavailable_until", 0.0)
        limit = RateLimit("test four", "2/hour")
        limit.hit(who)
        limit.hit(who)
        with pytest.raises(RateLimited):
            limit.hit(who)
        assert len(asked) == 1


def test_guesses_at_the_same_moment_do_not_slip_through(who: str) -> None:
    wait = FailureBackoff("test five", free=5, first=30, longest=60)

    def get_through(_number: int) -> bool:
        try:
            wait.hit(who)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(get_through, range(64))) == 5
