"""A client whose packets go through the RTSP connection: one write per unit, of bytes that all such clients share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from camward.media.unit import Track
from camward.rtsp.core.backlog import Backlog
from camward.rtsp.core.packetizer import PacketizedUnit

NOT_SET_UP = -1


class TcpReader:
    """Writes units while the transport takes them, and holds a bounded backlog while it doesn't.

    Args:
        transport: of the RTSP connection.
        queue: bytes of the backlog.
        on_ended: the stream's format changed.
    """

    lower = "tcp"

    def __init__(self, transport: asyncio.WriteTransport, *, queue: int, on_ended: Callable[[str], None]) -> None:
        self._write = transport.write
        self._channels = [NOT_SET_UP] * len(Track)
        self._backlog = Backlog(queue)
        self._paused = False
        self._flowing = False
        self._on_ended = on_ended

    def set_up(self, track: Track, channels: tuple[int, int]) -> None:
        """Send a track, on these channels."""
        self._channels[track] = channels[0] << 8 | channels[1]

    @property
    def tracks(self) -> list[Track]:
        """What is set up."""
        return [track for track in Track if self._channels[track] != NOT_SET_UP]

    @property
    def channels(self) -> set[int]:
        """Channels given away."""
        return {number for pair in self._channels if pair != NOT_SET_UP for number in (pair >> 8, pair & 0xFF)}

    @property
    def lost(self) -> int:
        """Units that this client was too slow for."""
        return self._backlog.lost

    def start(self, *, continuing: bool, group: int) -> None:
        """Units may be offered from now on."""
        self._backlog.start(video=self._channels[Track.VIDEO] != NOT_SET_UP, continuing=continuing, group=group)
        self._drain()

    def stop(self, newest: int) -> tuple[int, bool]:
        """No more units. Gives the number of the last one sent, and whether one can go on behind it."""
        oldest = self._backlog.oldest
        last = newest if oldest is None else oldest - 1
        self._backlog.clear()
        self._flowing = False
        return last, not self._backlog.waiting

    def offer(self, unit: PacketizedUnit) -> None:
        """See `UnitReader.offer`. This runs once per picture and client: the hot path."""
        channels = self._channels[unit.track]
        if channels < 0:
            return
        if self._flowing:
            self._write(unit.framed.get(channels) or unit.frame(channels))
        elif self._backlog.take(unit):
            self._drain()
        elif unit.report:  # the unit is lost, but what it says of the clocks puts sound and picture in step later
            self.report(unit.track, unit.report)

    def pause(self) -> None:
        """The transport's buffer is above the mark."""
        self._paused, self._flowing = True, False

    def resume(self) -> None:
        """The transport's buffer has drained."""
        self._paused = False
        self._drain()

    def _drain(self) -> None:
        while self._backlog and not self._paused:
            unit = self._backlog.pop()
            channels = self._channels[unit.track]
            self._write(unit.framed.get(channels) or unit.frame(channels))
        self._flowing = not (self._paused or self._backlog or self._backlog.waiting)

    def report(self, track: Track, data: bytes) -> None:
        """See `UnitReader.report`; while the client is slow it is left out."""
        channels = self._channels[track]
        if channels >= 0 and not self._paused:
            self._write(b"$%c" % (channels & 0xFF) + len(data).to_bytes(2, "big") + data)

    def ended(self, reason: str) -> None:
        """See `UnitReader.ended`."""
        self._on_ended(reason)

    def close(self) -> None:
        """Nothing of its own to close: the connection is not this reader's."""
