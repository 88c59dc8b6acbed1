"""The list of a device's long-running parts: started in order, kept running, stopped in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from camward.base.supervision import keep_running

log = structlog.get_logger(__name__)

PATIENCE = 0.8
"""Seconds for one part to stop before the next one is told to."""


@dataclass(frozen=True, slots=True)
class Part:
    """A long-running part of a device.

    Args:
        name: for logs and the status page.
        run: runs until cancelled; restarted when it ends or fails.
    """

    name: str
    run: Callable[[], Awaitable[None]]


async def run_parts(parts: Sequence[Part], *, stop: asyncio.Event) -> None:
    """Run all parts until `stop` is set: what strangers reach is last to start and first to stop."""
    async with asyncio.TaskGroup() as group:
        running = [(part.name, group.create_task(keep_running(part.name, part.run), name=part.name)) for part in parts]
        await stop.wait()
        for name, task in reversed(running):
            if not await _stopped(task):
                log.warning("part_stops_slowly", part=name)
        for _, task in running:
            task.cancel()  # the group waits for those that are left; the process's own deadline ends that


async def _stopped(task: asyncio.Task[None]) -> bool:
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    return bool(done)
