import uuid

import pytest

from accounts.throttle import Throttle, TooOften


@pytest.fixture
def who() -> str:
    return uuid.uuid4().hex


def test_a_rule_holds_for_each_by_themselves(who: str) -> None:
    throttle = Throttle("test one", "2/hour")
    throttle.hit(who)
    throttle.hit(who)
    throttle.hit(f"somebody else than {who}")
    with pytest.raises(TooOften) as often:
        throttle.hit(who)
    assert 0 < often.value.wait_seconds <= 3600


def test_the_second_rule_holds_where_the_first_allows(who: str) -> None:
    throttle = Throttle("test two", "10/second;3/hour")
    for _ in range(3):
        throttle.hit(who)
    with pytest.raises(TooOften) as often:
        throttle.hit(who)
    assert often.value.wait_seconds > 60
