"""Prints the guard's verdicts, one line per input line."""

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand

from guard import action_for, judge_conversation


class InvalidLine(ValueError):
    """The line cannot be judged. The message says why."""


class Command(BaseCommand):
    help = (
        'Judge messages: JSON lines {"id", "text"} or {"id", "turns": [{"role", "text"}, …]} on standard input, '
        "one verdict a line on standard output. A line that cannot be judged gets an error and does not end the run."
    )
    requires_system_checks = ()

    def handle(self, **_options: object) -> None:
        # The first verdict loads the model: keep that out of the measured times.
        judge_conversation([("user", "hello")])
        for number, line in enumerate(sys.stdin, 1):
            if line.strip():
                self.stdout.write(json.dumps(_judge_line(number, line), ensure_ascii=False))


def _judge_line(number: int, line: str) -> dict[str, Any]:
    name: Any = None
    try:
        row = _parse_row(line)
        name = row.get("id")
        turns = _parse_turns(row)
    except InvalidLine as error:
        return {"id": name, "line": number, "error": str(error)}
    started = time.perf_counter()
    verdict = judge_conversation(turns)
    milliseconds = (time.perf_counter() - started) * 1000
    return {
        "id": name,
        "level": str(verdict.level),
        "action": str(action_for(verdict)),
        "categories": sorted(verdict.categories),
        "layer": verdict.layer,
        "ms": round(milliseconds, 2),
    }


def _parse_row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InvalidLine(f"not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InvalidLine("not an object")
    return row


def _parse_turns(row: dict[str, Any]) -> list[tuple[str, str]]:
    if "text" in row:
        if not isinstance(row["text"], str):
            raise InvalidLine('"text" is not a string')
        return [("user", row["text"])]
    turns = row.get("turns")
    if not isinstance(turns, list) or not turns:
        raise InvalidLine('has neither "text" nor a list of "turns"')
    parsed = []
    for turn in turns:
        if not isinstance(turn, dict) or not all(isinstance(turn.get(key), str) for key in ("role", "text")):
            raise InvalidLine('a turn is not {"role", "text"}')
        parsed.append((turn["role"], turn["text"]))
    if parsed[-1][0] != "user":
        raise InvalidLine('the last turn is not of the role "user"')
    return parsed
