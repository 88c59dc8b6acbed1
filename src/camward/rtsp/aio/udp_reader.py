"""A client that gets its packets by UDP: one segmented send per 64,400 bytes, big pictures paced."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from camward.media.unit import Track
from camward.rtsp.aio.udp_ports import UdpPorts
from camward.rtsp.core.backlog import Backlog
from camward.rtsp.core.packetizer import SEND, PacketizedUnit

PACE = 0.005
"""Seconds between two sends of one backlog: 64,400 bytes each 5 ms are 103 Mbit/s, and few receivers' buffers hold
a whole key picture."""


class UdpReader:
    """Sends units at once while they are small, and spreads big ones.

    Args:
        queue: bytes of the backlog.
        on_ended: the stream's format changed.
    """

    lower = "udp"

    def __init__(self, *, queue: int, on_ended: Callable[[str], None]) -> None:
        self._ports: list[UdpPorts | None] = [None] * len(Track)
        self._backlog = Backlog(queue)
        self._runs: deque[tuple[UdpPorts, bytes, int]] = deque()
        self._flowing = False
        self._timer: asyncio.TimerHandle | None = None
        self._on_ended = on_ended

    def set_up(self, track: Track, ports: UdpPorts) -> None:
        """Send a track, from these ports."""
        if (old := self._ports[track]) is not None:
            old.close()
        self._ports[track] = ports

    @property
    def tracks(self) -> list[Track]:
        """What is set up."""
        return [track for track in Track if self._ports[track] is not None]

    @property
    def channels(self) -> set[int]:
        """None: no packet goes through the RTSP connection."""
        return set()

    @property
    def lost(self) -> int:
        """Units that this client was too slow for."""
        return self._backlog.lost

    def start(self, *, continuing: bool, group: int) -> None:
        """Units may be offered from now on."""
        self._backlog.start(video=self._ports[Track.VIDEO] is not None, continuing=continuing, group=group)
        self._flowing = not self._backlog.waiting

    def stop(self, newest: int) -> tuple[int, bool]:
        """No more units. Gives the number of the last one sent, and whether one can go on behind it."""
        oldest = self._backlog.oldest
        clean = not self._runs and not self._backlog.waiting
        self._rest()
        last = newest if oldest is None else oldest - 1
        self._backlog.clear()
        return last, clean

    def _rest(self) -> None:
        self._runs.clear()
        self._flowing = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def offer(self, unit: PacketizedUnit) -> None:
        """See `UnitReader.offer`."""
        ports = self._ports[unit.track]
        if ports is None:
            return
        if self._flowing and unit.size <= SEND:
            if unit.report:
                ports.report(unit.report)
            for index, (run, size) in enumerate(unit.runs):
                if not ports.send(run, size):
                    self._runs.extend((ports, *rest) for rest in unit.runs[index:])
                    self._later()
                    return
        elif self._backlog.take(unit):
            if self._timer is None:
                self._drain()
        elif unit.report:  # the unit is lost, but what it says of the clocks puts sound and picture in step later
            ports.report(unit.report)

    def _later(self) -> None:
        self._flowing = False
        self._timer = asyncio.get_running_loop().call_later(PACE, self._drain)

    def _drain(self) -> None:
        """Send about 64,400 bytes; if there is more, go on a little later."""
        self._timer = None
        budget = SEND
        while self._runs or self._backlog:
            if not self._runs:
                self._unpack()
                continue
            ports, run, size = self._runs[0]
            if (len(run) > budget and budget < SEND) or not ports.send(run, size):
                self._later()
                return
            budget -= len(run)
            self._runs.popleft()
        self._flowing = not self._backlog.waiting

    def _unpack(self) -> None:
        unit = self._backlog.pop()
        ports = self._ports[unit.track]
        assert ports is not None
        if unit.report:
            ports.report(unit.report)
        self._runs.extend((ports, run, size) for run, size in unit.runs)

    def report(self, track: Track, data: bytes) -> None:
        """See `UnitReader.report`."""
        ports = self._ports[track]
        if ports is not None:
            ports.report(data)

    def ended(self, reason: str) -> None:
        """See `UnitReader.ended`."""
        self._on_ended(reason)

    def close(self) -> None:
        """Close all ports."""
        self._rest()
        for ports in self._ports:
            if ports is not None:
                ports.close()
        self._ports = [None] * len(Track)
