import time
from uuid import UUID, uuid4

import pytest

from chat.turns.queue import GATHER_SECONDS, NudgeBatcher
from tests.live import wait_until


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, float]]:
    nudges: list[tuple[UUID, float]] = []
    monkeypatch.setattr(
        "chat.turns.queue._send_nudge", lambda turn_id: nudges.append((turn_id, time.monotonic()))
    )
    return nudges


def test_the_first_nudge_goes_at_once(sent: list[tuple[UUID, float]]) -> None:
    turn_id = uuid4()
    NudgeBatcher().add(turn_id)
    assert [nudged for nudged, _at in sent] == [turn_id]


def test_a_rush_shares_a_nudge_and_no_turn_is_forgotten(sent: list[tuple[UUID, float]]) -> None:
    gathering = NudgeBatcher()
    for _ in range(200):
        gathering.add(uuid4())
    last = time.monotonic()
    wait_until(lambda: sent[-1][1] >= last, what="a nudge after the last question", seconds=2)
    assert len(sent) <= 2 + (last - sent[0][1]) / GATHER_SECONDS


def test_a_quiet_moment_later_the_next_goes_at_once_again(sent: list[tuple[UUID, float]]) -> None:
    gathering = NudgeBatcher()
    gathering.add(uuid4())
    time.sleep(GATHER_SECONDS * 1.5)
    gathering.add(uuid4())
    assert len(sent) == 2
