"""A slow reader loses its own items, and gets going again where it can."""

import asyncio

from camward.base.fanout import BoundedReader, FanOut


def reader(limit: int, *, started: bool = False) -> BoundedReader[str]:
    """Items weigh their length; those with a capital can be resumed at."""
    return BoundedReader(limit=limit, cost=len, resumable=str.isupper, started=started)


async def drain(queue: BoundedReader[str]) -> list[str]:
    queue.close()
    return [item async for item in queue]


async def test_nothing_is_taken_before_a_resumable_item():
    queue = reader(10)
    for item in ("a", "b", "C", "d"):
        queue.offer(item)
    assert queue.lost == 2
    assert await drain(queue) == ["C", "d"]


async def test_a_started_reader_takes_the_first():
    queue = reader(10, started=True)
    queue.offer("a")
    assert await drain(queue) == ["a"]


async def test_an_overflow_drops_all_and_waits_for_a_resumable_item():
    queue = reader(3)
    for item in ("A", "b", "c", "d", "e", "F", "g"):
        queue.offer(item)
    assert queue.lost == 5
    assert await drain(queue) == ["F", "g"]


async def test_a_resumable_item_that_overflows_is_itself_taken():
    queue = reader(3)
    for item in ("A", "b", "c", "D"):
        queue.offer(item)
    assert queue.lost == 3
    assert await drain(queue) == ["D"]


async def test_one_item_larger_than_the_limit_still_passes():
    queue = reader(3)
    queue.offer("ABCDEF")
    assert await drain(queue) == ["ABCDEF"]


async def test_reading_frees_room():
    queue = reader(2)
    queue.offer("A")
    queue.offer("b")
    assert await queue.get() == "A"
    queue.offer("c")
    assert queue.lost == 0
    assert await drain(queue) == ["b", "c"]


async def test_a_waiting_reader_wakes_for_an_item_and_for_the_end():
    queue = reader(2, started=True)
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.offer("a")
    assert await waiting == "a"
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.close()
    assert await waiting is None
    queue.offer("b")
    assert await queue.get() is None


async def test_a_fan_out_offers_to_present_readers_only():
    fan: FanOut[str] = FanOut()
    first, second = reader(9, started=True), reader(9, started=True)
    fan.add(first)
    fan.publish("a")
    fan.add(second)
    fan.publish("b")
    fan.remove(first)
    fan.remove(first)
    fan.publish("c")
    assert len(fan) == 1
    assert (await drain(first), await drain(second)) == (["a", "b"], ["b", "c"])


async def test_a_reader_may_leave_while_it_is_offered_something():
    fan: FanOut[str] = FanOut()
    queue = reader(9, started=True)

    class Leaver:
        def offer(self, item: str) -> None:
            fan.remove(self)

    fan.add(Leaver())
    fan.add(queue)
    fan.publish("a")
    assert len(fan) == 1
    assert await drain(queue) == ["a"]
