"""A server's session with its sending side: what SETUP, PLAY, PAUSE and TEARDOWN do to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from camward.base.clock import Utc
from camward.media.unit import Track
from camward.rtsp.aio.tcp_reader import TcpReader
from camward.rtsp.aio.udp_reader import UdpReader
from camward.rtsp.core.errors import RtspError
from camward.rtsp.core.feed import StreamFeed
from camward.rtsp.core.packetizer import PacketizedUnit
from camward.rtsp.core.rtcp import ReceiverReport, ReportBlock, SenderReport, parse_rtcp
from camward.rtsp.core.sdp import track_control
from camward.rtsp.core.session import ServerSession


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session, for status pages.

    Args:
        stream: its name.
        principal: name of the user or client.
        address: of the peer.
        transport: "tcp" or "udp".
        secure: whether under TLS.
        playing: or paused.
        since: when it was set up.
        lost: units that the client was too slow for.
        fraction_lost: packets lost on the way as the client reports, 0 to 1.
    """

    stream: str
    principal: str
    address: str
    transport: str
    secure: bool
    playing: bool
    since: Utc
    lost: int
    fraction_lost: float


@dataclass(slots=True, eq=False)
class PlayedSession:
    """See the module.

    Args:
        session: its state.
        feed: the stream.
        reader: its sending side.
        since: when it was set up.
    """

    session: ServerSession
    feed: StreamFeed
    reader: TcpReader | UdpReader
    since: Utc
    version: int = 0
    heard_reports: dict[Track, ReportBlock] = field(default_factory=dict)
    _after: int = -1
    _continuing: bool = False

    def _seamless(self) -> bool:
        """Whether the open group goes on exactly behind what the client has had before a pause."""
        group = self.feed.group
        return self._continuing and bool(group) and group[0].number <= self._after + 1

    def openings(self) -> dict[Track, PacketizedUnit | None]:
        """The first unit of each track that PLAY would send; None: not known yet."""
        group = self.feed.group
        if group and group[0].number <= self._after and not self._seamless():
            return dict.fromkeys(self.reader.tracks)
        return {track: self.feed.first(track, after=self._after) for track in self.reader.tracks}

    def rtp_info(self, base: str) -> str:
        """The value of RTP-Info: where each track's packets begin."""
        parts = []
        for track, unit in self.openings().items():
            part = f"url={base}/{track_control(track)}"
            parts.append(part if unit is None else f"{part};seq={unit.sequence};rtptime={unit.timestamp}")
        return ",".join(parts)

    def play(self, utc: int) -> None:
        """Send from now on: a sender report of each track, the open group, and what comes."""
        for track, unit in self.openings().items():
            if unit is not None and unit.report:
                continue  # it brings a report of its own
            if data := self.feed.report_at(unit) if unit else self.feed.report_now(track, utc):
                self.reader.report(track, data)
        self.session.playing = True
        self.reader.start(continuing=self._seamless(), group=sum(unit.size for unit in self.feed.group))
        self.feed.add(self.reader, after=self._after)

    def pause(self) -> None:
        """Send no more; remember how far it came."""
        if self.session.playing:
            self.feed.remove(self.reader)
            self.session.playing = False
            self._after, self._continuing = self.reader.stop(self.feed.newest)

    def end(self, *, goodbye: bool = False) -> None:
        """Over: the reader is detached, ports are closed."""
        self.feed.remove(self.reader)
        self.session.playing = False
        if goodbye:
            for track in self.reader.tracks:
                self.reader.report(track, self.feed.goodbye(track))
        self.reader.stop(-1)
        self.reader.close()

    def hear(self, data: bytes, now: float) -> None:
        """An RTCP packet of the client: it lives, and tells what it got. Unreadable ones are dropped."""
        try:
            packets = parse_rtcp(data)
        except RtspError:
            return
        self.session.heard = now
        by_ssrc = {self.feed.ssrc(track): track for track in self.reader.tracks}
        for packet in packets:
            if isinstance(packet, ReceiverReport | SenderReport):
                for block in packet.blocks:
                    if block.ssrc in by_ssrc:
                        self.heard_reports[by_ssrc[block.ssrc]] = block

    def info(self, *, address: str, secure: bool) -> SessionInfo:
        """For status pages."""
        return SessionInfo(
            stream=self.session.stream,
            principal=self.session.principal,
            address=address,
            transport=self.reader.lower,
            secure=secure,
            playing=self.session.playing,
            since=self.since,
            lost=self.reader.lost,
            fraction_lost=max((block.fraction_lost for block in self.heard_reports.values()), default=0) / 256,
        )
