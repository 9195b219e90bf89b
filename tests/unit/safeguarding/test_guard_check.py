"""`manage.py guard_check` answers every line, in order."""

import io
import json
import sys
from typing import Any

import pytest
from django.core.management import call_command


def checked(*lines: str, patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    out = io.StringIO()
    patch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    call_command("guard_check", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_line_gets_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = checked(
        '{"id": 1, "text": "What is photosynthesis?"}',
        '{"id": "b", "text": "I want to kill myself"}',
        "",
        '{"id": "c", "text": "my dad hits me when he drinks"}',
        '{"id": "d", "text": "call me at 555-013-4477 please"}',
        patch=monkeypatch,
    )
    assert [(a["id"], a["level"], a["action"]) for a in answers] == [
        (1, "0", "answer"),
        ("b", "3", "card"),
        ("c", "S", "card"),
        ("d", "0", "redact"),
    ]
    assert "suicide" in answers[1]["categories"]
    assert answers[1]["layer"] == "rules"
    assert all(a["ms"] >= 0 for a in answers)


def test_turns_are_judged_as_one_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [("user", "i want to"), ("assistant", "Go on."), ("user", "kill myself")]
    line = json.dumps({"id": 1, "turns": [{"role": role, "text": text} for role, text in turns]})
    (answer,) = checked(line, patch=monkeypatch)
    assert (answer["level"], answer["action"]) == ("3", "card")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"id": 7, "text": 3}', '"text" is not a string'),
        ('{"id": 7}', "neither"),
        ('{"id": 7, "turns": []}', "neither"),
        ('{"id": 7, "turns": ["hi"]}', "a turn is not"),
        ('{"id": 7, "turns": [{"role": "assistant", "text": "hi"}]}', "the last turn"),
    ],
)
def test_an_invalid_line_is_reported_and_the_run_continues(
    line: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = checked(line, '{"id": 2, "text": "hello"}', patch=monkeypatch)
    assert message in bad["error"]
    assert bad["line"] == 1
    assert (good["id"], good["action"]) == (2, "answer")
