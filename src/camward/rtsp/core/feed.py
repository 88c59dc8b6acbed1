"""One stream on its way to its RTSP readers: packetised once, the open group kept, a report with it.

A feed is one reader of the hub, and it is attached only while someone uses it: that is what starts a stream that is
made on demand.
"""

from __future__ import annotations

from typing import Protocol

from camward.base.clock import Utc
from camward.media.bits import BitstreamError
from camward.media.stream import GROUP_LIMIT, MediaStream
from camward.media.unit import AccessUnit, StreamFormat, Track
from camward.rtsp.core.packetizer import PacketizedUnit, StreamPacketizer
from camward.rtsp.core.packetizer.stream import REPORT_SECONDS
from camward.rtsp.core.sdp import tracks_of


class UnitReader(Protocol):
    """One client's sending side. Must not block or raise."""

    def offer(self, unit: PacketizedUnit) -> None:
        """Send, hold or drop one unit."""
        ...

    def report(self, track: Track, data: bytes) -> None:
        """Send an RTCP packet of a track."""
        ...

    def ended(self, reason: str) -> None:
        """The stream goes on in another format: no more units; the client has to start anew."""
        ...


class StreamFeed:
    """Packetised units of one stream.

    Args:
        stream: the hub.
        cname: canonical name in RTCP.
    """

    def __init__(self, stream: MediaStream, *, cname: str) -> None:
        self.stream = stream
        self.group: list[PacketizedUnit] = []
        self.version = 0
        self._packetizer = StreamPacketizer(cname=cname)
        self._format: StreamFormat | None = None
        self._readers: tuple[UnitReader, ...] = ()
        self._users = 0
        self._group_bytes = 0
        self._seen = 0
        self._since = 0.0
        self.malformed = 0

    def acquire(self) -> None:
        """Use the stream: the first user attaches the feed to the hub, which starts a stream made on demand."""
        self._users += 1
        if self._users == 1:
            self.stream.add(self)

    def release(self) -> None:
        """Use it no more; with the last user the feed leaves the hub."""
        self._users -= 1
        if self._users == 0:
            self.stream.remove(self)
            self.group.clear()

    def add(self, reader: UnitReader, *, after: int = -1) -> None:
        """Offer units to a reader, the open group first.

        Args:
            after: number of the last unit that the reader has had; only younger ones are offered.
        """
        for unit in self.group:
            if unit.number > after:
                reader.offer(unit)
        self._readers = (*self._readers, reader)

    def remove(self, reader: UnitReader) -> None:
        """Stop; harmless when it is gone already."""
        self._readers = tuple(other for other in self._readers if other is not reader)

    @property
    def readers(self) -> int:
        """How many readers are playing."""
        return len(self._readers)

    def first(self, track: Track, *, after: int = -1) -> PacketizedUnit | None:
        """The first unit of a track that a reader added now would be offered; None: it is yet to come."""
        return next((unit for unit in self.group if unit.track is track and unit.number > after), None)

    def report_at(self, unit: PacketizedUnit) -> bytes:
        """A sender report with the time of this unit."""
        return self._packetizer.report_at(unit)

    def report_now(self, track: Track, utc: int) -> bytes:
        """A sender report for this moment; empty before the track's first unit."""
        return self._packetizer.report_now(track, utc)

    def goodbye(self, track: Track) -> bytes:
        """RTCP BYE of a track."""
        return self._packetizer.goodbye(track)

    def ssrc(self, track: Track) -> int:
        """Of a track."""
        return self._packetizer.ssrc(track)

    @property
    def newest(self) -> int:
        """Number of the newest unit; -1 before the first."""
        return self._packetizer.count - 1

    def offer(self, item: AccessUnit) -> None:
        """A unit from the hub: see `Reader.offer`."""
        if self.stream.format is not self._format:
            self._follow(self.stream.format)
        try:
            unit = self._packetizer.packetize(item)
        except BitstreamError:
            self.malformed += 1
            return
        if not unit.packets:
            return
        self._keep(unit)
        for reader in self._readers:
            reader.offer(unit)

    def _keep(self, unit: PacketizedUnit) -> None:
        if unit.key:
            self.group.clear()
            self._group_bytes = 0
        if unit.key or self.group:
            self.group.append(unit)
            self._group_bytes += unit.size
            if self._group_bytes > GROUP_LIMIT:
                self.group.clear()

    def refresh(self) -> None:
        """Follow the hub's format now, rather than with the next unit."""
        if self.stream.format is not self._format:
            self._follow(self.stream.format)

    def _follow(self, form: StreamFormat | None) -> None:
        before, self._format = self._format, form
        if form is None or form == before:
            return
        self.group.clear()
        self.version += 1
        self._packetizer.set_format(form)
        if before is not None:
            for reader in self._readers:
                reader.ended("the stream's format changed")

    def report_silence(self, now: float, utc: Utc) -> None:
        """Send sender reports when no unit has come for a while, so that players and routers keep the session.

        Call it every second or so. Silence is measured by our own clock: a source's UTC may be off.
        """
        if self._packetizer.count != self._seen:
            self._seen, self._since = self._packetizer.count, now
        if now - self._since < REPORT_SECONDS or self._format is None:
            return
        self._since = now
        for track in tracks_of(self._format):
            if data := self._packetizer.report_now(track, utc):
                for reader in self._readers:
                    reader.report(track, data)
