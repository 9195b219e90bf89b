"""Who is next while many people run labs: everyone's first answer comes before anyone's second one."""

import asyncio

from labs.call_queue import CallQueue


async def run_calls(queue: CallQueue, orders: list[tuple[str, int]]) -> list[str]:
    """Begin calls in this order, and return their names in the order in which they got a place."""
    begun: list[str] = []

    async def call(name: str, order: int) -> None:
        async with queue.place(order):
            begun.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(name, order) for name, order in orders))
    return begun


def test_first_answers_come_before_second_ones() -> None:
    orders = [("Ana 1", 0), ("Ana 2", 1), ("Ana 3", 2), ("Sam 1", 0), ("Sam 2", 1)]
    assert asyncio.run(run_calls(CallQueue(1), orders)) == ["Ana 1", "Sam 1", "Ana 2", "Sam 2", "Ana 3"]


def test_no_more_calls_run_at_once_than_there_are_places() -> None:
    async def count_most() -> int:
        queue, running, most = CallQueue(2), 0, 0

        async def call() -> None:
            nonlocal running, most
            async with queue.place(0):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(call() for _ in range(7)))
        return most

    assert asyncio.run(count_most()) == 2


def test_a_call_that_is_cancelled_while_it_waits_takes_no_place() -> None:
    async def cancel_the_second() -> list[str]:
        queue, begun = CallQueue(1), list[str]()

        async def call(name: str) -> None:
            async with queue.place(0):
                begun.append(name)
                await asyncio.sleep(0)

        calls = [asyncio.create_task(call(name)) for name in ("first", "second", "third")]
        await asyncio.sleep(0)
        calls[1].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        return begun

    assert asyncio.run(cancel_the_second()) == ["first", "third"]
