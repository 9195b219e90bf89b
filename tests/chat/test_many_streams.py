"""Two hundred streams at once on a real web server and broker: each of them ends with a named event."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import Person
from chat import streaming
from chat.answering.leases import finish_turn
from chat.models import EndReason, Turn, TurnState
from chat.streaming.valkey_stream import _client, stream_key
from chat.turns.outcomes import Outcome
from tests.live import SignedInClient, Web, wait_until
from tests.streams import make_live_turns

STREAMS = 200
WORDS = 5
BUSY_SECONDS = 4.0
ADDRESSES = ("/tutor/turns/{}/stream", "/api/v1/turns/{}/events")


def end_turns(turns: Sequence[Turn]) -> None:
    ended = {"state": TurnState.ANSWERED, "answer": "It rains.", "claim": None, "lease_until": None}
    Turn.objects.filter(pk__in=[turn.pk for turn in turns]).update(ended_at=timezone.now(), **ended)
    for turn in turns:
        streaming.end_stream(turn.pk)


class Readers:
    """Reads many streams at once in a thread, and keeps the last named event of each."""

    def __init__(self, web_client: SignedInClient, paths: Sequence[str]) -> None:
        self.web_client = web_client
        self.paths = paths
        self.connected = 0
        self.done: Future[list[str]] = Future()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self.done.set_result(asyncio.run(self._read_all()))
        except BaseException as error:  # noqa: BLE001 - the test raises it again
            self.done.set_exception(error)

    async def _read_all(self) -> list[str]:
        return await asyncio.gather(*map(self._read, self.paths))

    async def _read(self, path: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.web_client.web.port)
        headers = self.web_client.headers | {"Host": "127.0.0.1", "Accept": "text/event-stream"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        status = await reader.readline()
        self.connected += 1
        last = "" if b" 200 " in status else status.decode()
        async for line in reader:
            if line.startswith(b"event: "):
                last = line.removeprefix(b"event: ").decode().strip()
        writer.close()
        return last


async def write_words(turn_ids: Sequence[UUID]) -> None:
    async def write(turn_id: UUID) -> None:
        async with streaming.StreamWriter(turn_id) as writer:
            for number in range(WORDS):
                writer.add(f"Word {number} of it. ", number + 1)
                await asyncio.sleep(0.1)

    await asyncio.gather(*map(write, turn_ids))


@pytest.fixture
def web_client(teen: Person, web: Web) -> SignedInClient:
    return SignedInClient(web, teen)


def test_every_stream_ends_with_done_on_a_busy_machine(
    teen: Person, web: Web, web_client: SignedInClient
) -> None:
    turns = make_live_turns(teen, STREAMS)
    # Half of them for pages, half for programs.
    paths = [ADDRESSES[number % 2].format(turn.pk) for number, turn in enumerate(turns)]
    readers = Readers(web_client, paths)
    wait_until(lambda: readers.connected == STREAMS, what="all streams to open")
    with web.frozen():
        # Longer than the wait for the broker's reply, as on a machine that swaps.
        time.sleep(BUSY_SECONDS)
    asyncio.run(write_words([turn.pk for turn in turns]))
    end_turns(turns)
    assert Counter(readers.done.result(timeout=60)) == {"done": STREAMS}


def test_a_hundred_readers_of_one_answer_each_get_its_end(teen: Person, web_client: SignedInClient) -> None:
    turns = make_live_turns(teen, 1)
    readers = Readers(web_client, [ADDRESSES[0].format(turns[0].pk)] * 100)
    wait_until(lambda: readers.connected == 100, what="all streams to open")
    asyncio.run(write_words([turns[0].pk]))
    end_turns(turns)
    assert Counter(readers.done.result(timeout=60)) == {"done": 100}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_end_that_a_former_worker_writes_ends_no_stream(
    address: str, teen: Person, web_client: SignedInClient
) -> None:
    """A slow worker loses its claim to another worker, which continues on the same stream."""
    turns = make_live_turns(teen, 1)
    streaming.end_stream(turns[0].pk)
    readers = Readers(web_client, [address.format(turns[0].pk)])
    wait_until(lambda: readers.connected == 1, what="the stream to open")
    asyncio.run(write_words([turns[0].pk]))
    assert not readers.done.done()
    end_turns(turns)
    assert readers.done.result(timeout=20) == ["done"]


def test_a_worker_that_lost_its_turn_writes_no_end(teen: Person) -> None:
    [turn] = make_live_turns(teen, 1)
    Turn.objects.update(claim=uuid4())
    answer = Outcome(
        state=TurnState.ANSWERED, end_reason=EndReason.NONE, answer="Late.", prompt_tokens=0, answer_tokens=0
    )
    assert not finish_turn(turn=turn, outcome=answer)
    assert not _client().exists(stream_key(turn.pk))


def test_leaving_a_writer_waits_for_the_text_that_is_being_sent(teen: Person) -> None:
    [turn] = make_live_turns(teen, 1)

    async def write() -> None:
        async with streaming.StreamWriter(turn.pk) as writer:
            writer.add("The only text.", 3)
            # Let the flusher begin its round trip.
            await asyncio.sleep(0)
        streamed = await asyncio.to_thread(streaming.read_stream, turn.pk)
        assert streamed
        assert streamed.text == "The only text."

    asyncio.run(write())
