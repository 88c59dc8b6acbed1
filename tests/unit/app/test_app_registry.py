"""Long-running parts: restarted when they fail, stopped in the opposite order, and never waited for too long."""

from __future__ import annotations

import asyncio

from camward.app import registry
from camward.app.registry import Part, run_parts


async def test_parts_stop_in_the_opposite_order() -> None:
    said: list[str] = []
    stop = asyncio.Event()

    def part(name: str) -> Part:
        async def run() -> None:
            said.append(f"{name} runs")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                said.append(f"{name} stopped")

        return Part(name, run)

    running = asyncio.create_task(run_parts([part("media"), part("door")], stop=stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert said == ["media runs", "door runs", "door stopped", "media stopped"]


async def test_a_failing_part_is_started_again_and_disturbs_no_other() -> None:
    starts = 0
    again, stop = asyncio.Event(), asyncio.Event()
    other_ran: list[bool] = []

    async def failing() -> None:
        nonlocal starts
        starts += 1
        if starts == 2:
            again.set()
            await asyncio.Event().wait()
        raise RuntimeError("broken on purpose")

    async def other() -> None:
        other_ran.append(True)
        await asyncio.Event().wait()

    running = asyncio.create_task(run_parts([Part("failing", failing), Part("other", other)], stop=stop))
    await asyncio.wait_for(again.wait(), 5)
    assert other_ran == [True]
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_a_part_that_stops_slowly_holds_up_no_other(monkeypatch) -> None:
    monkeypatch.setattr(registry, "PATIENCE", 0.05)
    stopped: list[str] = []
    stop = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.3)

    async def quick() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("quick")

    running = asyncio.create_task(run_parts([Part("quick", quick), Part("slow", slow)], stop=stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.sleep(0.15)
    assert stopped == ["quick"]
    await asyncio.wait_for(running, 5)
