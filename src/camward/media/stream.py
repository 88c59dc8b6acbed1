"""The hub of one live stream: RTSP sessions, the live page, the SD card and the recorder are all its readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from camward.base.clock import Utc
from camward.base.fanout import BoundedReader, FanOut, Reader
from camward.media.unit import AccessUnit, StreamFormat, Track

GROUP_LIMIT = 16 * 1024 * 1024
"""Bytes of the open group of pictures kept for readers that join in the middle of it."""


@dataclass(frozen=True, slots=True)
class NoSignal:
    """Why a stream has no picture."""

    since: Utc
    reason: str


class MediaStream:
    """Access units in, to all readers; keeps the open group so that a new reader starts with a picture at once.

    All calls are made on one event loop.

    Args:
        name: "stream1", "stream2", or a camera id.
        on_demand: told True when the first reader comes and False when the last one has gone.
    """

    def __init__(self, name: str, *, on_demand: Callable[[bool], None] | None = None) -> None:
        self.name = name
        self.format: StreamFormat | None = None
        self.no_signal: NoSignal | None = NoSignal(Utc(0), "not started yet")
        self.last: AccessUnit | None = None
        self._fan: FanOut[AccessUnit] = FanOut()
        self._group: list[AccessUnit] = []
        self._group_bytes = 0
        self._on_demand = on_demand
        self._changed = asyncio.Event()

    def publish(self, unit: AccessUnit) -> None:
        """Hand one access unit to all readers, in decoding order."""
        if unit.track is Track.VIDEO:
            self.last = unit
            if unit.key:
                self._group.clear()
                self._group_bytes = 0
        if self._group or (unit.track is Track.VIDEO and unit.key):
            self._group.append(unit)
            self._group_bytes += len(unit.data)
            if self._group_bytes > GROUP_LIMIT:
                self._group.clear()
        self._fan.publish(unit)

    def set_format(self, form: StreamFormat) -> None:
        """The source (re)started with this format: there is a signal."""
        self.format = form
        self.no_signal = None
        self._group.clear()
        self._notify()

    def set_no_signal(self, *, since: Utc, reason: str) -> None:
        """The source gave up for now; the next `set_format` ends this state."""
        self.no_signal = NoSignal(since, reason)
        self._group.clear()
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Wait for the next change of format or signal."""
        await self._changed.wait()

    async def wait_format(self) -> StreamFormat:
        """The format, as soon as there is a signal. Give it a deadline."""
        while self.format is None or self.no_signal is not None:
            await self.changed()
        return self.format

    def add(self, reader: Reader[AccessUnit], *, from_group: bool = True) -> None:
        """Attach a reader; with `from_group` it is given the open group first, so that it has a picture at once."""
        if from_group:
            for unit in self._group:
                reader.offer(unit)
        self._fan.add(reader)
        if len(self._fan) == 1 and self._on_demand:
            self._on_demand(True)  # noqa: FBT003 (a callback's one argument has no name)

    def remove(self, reader: Reader[AccessUnit]) -> None:
        """Detach a reader; harmless when it is gone already."""
        before = len(self._fan)
        self._fan.remove(reader)
        if before and not len(self._fan) and self._on_demand:
            self._on_demand(False)  # noqa: FBT003 (the same)

    @property
    def readers(self) -> int:
        """How many readers are attached."""
        return len(self._fan)


def bounded_reader(*, limit: int = 4 * 1024 * 1024) -> BoundedReader[AccessUnit]:
    """A queue of access units, `limit` bytes at most, that starts and resumes at a key picture."""
    return BoundedReader(
        limit=limit,
        cost=lambda unit: len(unit.data),
        resumable=lambda unit: unit.track is Track.VIDEO and unit.key,
    )
