"""The lines of a run that is shown while the model writes."""

import asyncio
import json

import pytest

from labs import parts
from labs.checks import UnfinishedAnswer
from labs.parts import KEEPALIVE, PartStream
from labs.registry import LABS

VOICES = next(lab for lab in LABS if lab.slug == "voices")


def create_stream() -> PartStream:
    return PartStream(VOICES, {"question": "What is rain?"}, is_ordinary=True)


async def read(stream: PartStream) -> list[bytes]:
    return [line async for line in stream.list_lines()]


def test_what_was_sent_before_the_page_listens_is_not_lost() -> None:
    stream = create_stream()
    stream.send_outcome("before")
    stream.start(lambda _stream: "after")
    lines = b"".join(asyncio.run(read(stream))).splitlines()
    assert [json.loads(line) for line in lines] == [{"outcome": "before"}, {"outcome": "after"}]


def test_a_run_that_fails_ends_its_stream_without_an_outcome() -> None:
    def fail(_stream: PartStream) -> str:
        raise ValueError

    stream = create_stream()
    stream.start(fail)
    assert asyncio.run(read(stream)) == []


def test_while_a_run_waits_empty_lines_keep_the_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "KEEPALIVE_SECONDS", 0.001)

    async def read_first() -> bytes:
        return await anext(create_stream().list_lines())

    assert asyncio.run(read_first()) == KEEPALIVE


def test_words_of_an_answer_to_an_ordinary_question_leave_at_once() -> None:
    answer = UnfinishedAnswer("What is rain?", is_ordinary=True)
    assert answer.release("Rain is water that ").startswith("Rain is")


def test_words_of_any_other_answer_wait_for_their_sentence() -> None:
    answer = UnfinishedAnswer("What is rain?", is_ordinary=False)
    assert answer.release("Rain is water that ") == ""
    assert answer.release("Rain is water that falls. And ").startswith("Rain is water that falls.")


def test_an_answer_that_begins_again_is_shown_from_its_new_beginning() -> None:
    answer = UnfinishedAnswer("What is rain?", is_ordinary=True)
    answer.release("Snow is cold and ")
    assert answer.release("Rain is water that ").startswith("Rain is")


def test_once_a_rule_objects_nothing_of_the_answer_is_shown() -> None:
    answer = UnfinishedAnswer("What is rain?", is_ordinary=True)
    answer.release("Rain is water. ")
    assert answer.release("Rain is water. You should kill yourself. ") == ""
    assert answer.release("Rain is water. You should kill yourself. It is wet. ") == ""
