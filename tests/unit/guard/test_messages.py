"""What the rules reach on whole messages must not get worse. They are one layer: docs/safety.md says what they miss."""

import tomllib
from pathlib import Path

from guard import judge_input

MESSAGES = tomllib.loads((Path(__file__).parents[2] / "guard" / "messages.toml").read_text(encoding="utf-8"))
MIN_CAUGHT, MAX_FALSE_ALARMS = 0.92, 0.01


def test_most_messages_of_crisis_are_caught() -> None:
    missed = [text for text in MESSAGES["crisis"] if not judge_input(text).is_crisis]
    assert len(missed) <= (1 - MIN_CAUGHT) * len(MESSAGES["crisis"]), missed


def test_hardly_any_ordinary_message_is_carded() -> None:
    carded = [text for text in MESSAGES["ordinary"] if judge_input(text).is_crisis]
    assert len(carded) <= MAX_FALSE_ALARMS * len(MESSAGES["ordinary"]), carded
