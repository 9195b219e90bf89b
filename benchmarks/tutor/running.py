"""Runs the interviews, several at once, and keeps what was answered, so that a run can be stopped and continued."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.tutor.asking import Reply, hold_interview
from benchmarks.tutor.interviews import Interview
from chat.errors import TooLongForModel
from inference.errors import ModelError
from routing.models import TutorModel

# So many failures in a row mean that the server is away, and the rest would fail as well.
FAILURES_TO_STOP = 6


class ReplyStore:
    """A file of JSON lines, each a value under a key. What is written last under a key counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, Any] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._read_line(line)

    def _read_line(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            # A run that was killed leaves half a line; that interview is held again.
            return
        self._values[entry["key"]] = entry["value"]

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def put(self, key: str, value: Any) -> None:
        self._values[key] = value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            # Half a line may stand at the end.
            file.write(f"\n{json.dumps({'key': key, 'value': value}, ensure_ascii=False)}\n")


@dataclass
class Outcome:
    """The replies of the interviews that were held, and why others were not."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    reused: int = 0


async def hold_interviews(
    model: TutorModel,
    interviews: Sequence[Interview],
    store: ReplyStore,
    *,
    at_once: int,
    report_progress: Callable[[int], None] = lambda _done: None,
) -> Outcome:
    """Hold the interviews that the store lacks. An interview that fails is reported and not stored."""
    outcome, failures = Outcome(), 0

    async def hold(interview: Interview) -> None:
        nonlocal failures
        if (stored := store.get(interview.key)) is not None:
            outcome.replies[interview.id] = [Reply(**reply) for reply in stored]
            outcome.reused += 1
            return
        if failures >= FAILURES_TO_STOP:
            outcome.errors[interview.id] = "not asked: too many failures in a row"
            return
        try:
            replies = await hold_interview(model, interview)
        except (ModelError, TooLongForModel) as error:
            outcome.errors[interview.id] = f"{type(error).__name__}: {error}"
            failures += 1
            return
        failures = 0
        outcome.replies[interview.id] = replies
        store.put(interview.key, [asdict(reply) for reply in replies])
        report_progress(len(outcome.replies))

    await run_at_once([partial(hold, interview) for interview in interviews], at_once)
    return outcome


async def run_at_once(jobs: Sequence[Callable[[], Awaitable[None]]], count: int) -> None:
    """Run the jobs in order, at most `count` at the same time."""
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await job()

    async with asyncio.TaskGroup() as group:
        for _worker in range(max(1, count)):
            group.create_task(work())


def count_faults(replies: Mapping[str, Sequence[Reply]]) -> dict[str, int]:
    """Return how many replies broke off at their limit, and how many were empty, by the reason."""
    counts: dict[str, int] = {}
    for reply in (reply for held in replies.values() for reply in held):
        for name in [
            *(["cut at the limit"] if reply.is_cut else []),
            *([reply.fault] if reply.fault else []),
        ]:
            counts[name] = counts.get(name, 0) + 1
    return counts
