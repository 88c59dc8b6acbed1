"""An RTSP client without I/O: bytes and times in; requests, access units and the end's reason out."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from camward.base.clock import Utc
from camward.media.unit import AccessUnit, StreamFormat, Track
from camward.rtsp.core.client_address import Address, Credentials
from camward.rtsp.core.client_dialogue import Conversation, Dialogue
from camward.rtsp.core.client_errors import EndedError, UnreachableError
from camward.rtsp.core.client_limits import CLIENT_LIMITS, ClientLimits
from camward.rtsp.core.client_tracks import Arrival, Choice, RawAudio, Receivers
from camward.rtsp.core.errors import RtpError
from camward.rtsp.core.headers import Headers
from camward.rtsp.core.messages import DOLLAR, Interleaved, MessageParser, Request, Response
from camward.rtsp.core.reorder import ReorderBuffer
from camward.rtsp.core.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    build_receiver_report,
    parse_rtcp,
)
from camward.rtsp.core.transport import Transport

_FRAME = struct.Struct(">xBH")
"""Ahead of an interleaved packet: '$', channel, length."""
_CHUNK = 4096
"""Bytes handed to the parser of messages at a time: what it doesn't need is copied in vain."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results go, in the order of the stream.

    Args:
        on_format: ahead of the first picture and whenever it changes.
        on_unit: each access unit.
        on_lost: whenever something is missing, with the reason.
        on_raw_audio: G.711, which is not set up without this.
    """

    on_format: Callable[[StreamFormat], None]
    on_unit: Callable[[AccessUnit], None]
    on_lost: Callable[[str], None]
    on_raw_audio: Callable[[RawAudio], None] | None = None


@dataclass(slots=True)
class _Pending:
    """A request that waits for its answer."""

    conversation: Conversation
    sequence: int | None
    deadline: float


@dataclass(slots=True)
class _Times:
    """When what happened last, on the monotonic clock."""

    media: float = 0.0
    picture: float = 0.0
    report: float = 0.0
    alive: float = 0.0


@dataclass(slots=True)
class _Peer:
    """The mutable leftovers of a connection."""

    parser: MessageParser | None = None
    unexpected: int = 0
    received: int = 0
    order: dict[Track, ReorderBuffer] = field(default_factory=dict)
    answers: list[bytes] = field(default_factory=list)
    reports: list[tuple[Track, bytes]] = field(default_factory=list)


class ClientSession:
    """One connection to one camera.

    `receive`, `datagram` and `on_timeout` raise `RtspClientError` or `RtspError` when the connection has to end.

    Args:
        address: what to play.
        outputs: where units go.
        credentials: how to sign in.
        basic_allowed: whether the password may go out readable.
        client_ports: UDP ports for each track; empty for TCP.
        ssrc: a random number of 32 bits, names us in receiver reports.
    """

    def __init__(
        self,
        address: Address,
        outputs: Outputs,
        *,
        credentials: Credentials | None = None,
        basic_allowed: bool = False,
        client_ports: Mapping[Track, tuple[int, int]] | None = None,
        ssrc: int = 0x43414D57,
        limits: ClientLimits = CLIENT_LIMITS,
    ) -> None:
        self._limits, self._ssrc, self._outputs = limits, ssrc, outputs
        self._receivers = Receivers(
            outputs.on_format,
            self._unit,
            outputs.on_lost,
            outputs.on_raw_audio,
            limits.timeline,
            limits.depacketizer,
        )
        self._dialogue = Dialogue(
            address,
            credentials,
            basic_allowed,
            self._receivers.choose,
            self._receivers.drop,
            client_ports or {},
        )
        self._pending: _Pending | None = None
        self._times = _Times()
        self._peer = _Peer()

    # What the shell looks at

    @property
    def playing(self) -> bool:
        """The server said that it plays."""
        return self._dialogue.playing

    @property
    def redirect(self) -> str | None:
        """Another URL that the server wants us to ask; this connection has nothing more to give."""
        return self._dialogue.redirect

    @property
    def notes(self) -> list[str]:
        """What of the stream is left out, and why."""
        return self._receivers.notes

    @property
    def servers(self) -> Mapping[Track, Transport]:
        """What the server said of its UDP ports, by track."""
        return self._dialogue.servers

    @property
    def received(self) -> int:
        """Bytes so far."""
        return self._peer.received

    @property
    def lost(self) -> int:
        """Video packets lost so far."""
        return next((c.reception.heard.lost for c in self._dialogue.tracks if c.track is Track.VIDEO), 0)

    def to_send(self) -> list[bytes]:
        """What goes out by the connection now."""
        ready, self._peer.answers = self._peer.answers, []
        return ready

    def reports(self) -> list[tuple[Track, bytes]]:
        """RTCP packets that go out by UDP now."""
        ready, self._peer.reports = self._peer.reports, []
        return ready

    # Time

    def start(self, now: float) -> None:
        """The connection is open."""
        self._converse(self._dialogue.open(), now)

    def on_timeout(self, now: float, utc: Utc) -> None:
        """Call this every `limits.tick` seconds.

        Raises:
            UnreachableError: no answer, no media or no picture within the deadline.
        """
        self._receivers.arrival = Arrival(now, utc)
        for choice in self._dialogue.tracks:
            if (order := self._peer.order.get(choice.track)) is not None:
                self._datagrams(choice, order.expire(now), now, control=False)
        if self._pending is not None and now >= self._pending.deadline:
            raise UnreachableError("The camera doesn't answer any more", next="Look at its network and power")
        if not self._dialogue.playing:
            return
        if now - self._times.media > self._limits.stall:
            raise UnreachableError("The camera sends nothing any more", next="Look at its network and power")
        if now - self._times.picture > self._limits.picture:
            raise UnreachableError(
                "The camera sends no whole picture",
                why="its key pictures are missing, or too much is lost on the way",
            )
        if self._pending is None and now - self._times.alive >= self._dialogue.interval:
            self._converse(self._dialogue.keep_alive(), now)
        if now - self._times.report >= self._limits.report:
            self._times.report = now
            self._report(now)

    def close(self) -> None:
        """Say goodbye; see `to_send`."""
        request = self._dialogue.farewell()
        if request is not None:
            self._peer.answers.append(request.serialise())

    def _report(self, now: float) -> None:
        """Receiver reports for every track."""
        for choice in self._dialogue.tracks:
            block: ReportBlock | None = choice.reception.block(now)
            report = ReceiverReport(self._ssrc, (block,) if block else ())
            data = build_receiver_report(report, cname="camward")
            channels = [number for number, other in self._dialogue.channels.items() if other is choice]
            if channels:
                if block:
                    head = bytes((DOLLAR, max(channels))) + len(data).to_bytes(2, "big")
                    self._peer.answers.append(head + data)
            else:
                self._peer.reports.append((choice.track, data))

    # Bytes

    def receive(self, view: memoryview, *, now: float, utc: Utc) -> int:
        """Take what came by the connection; how much of it was used up.

        The rest has to be at the beginning of the next call's view. Nothing keeps a reference to `view`.
        """
        self._receivers.arrival = Arrival(now, utc)
        channels, media = self._dialogue.channels, False
        position, limit, parsing = 0, len(view), self._peer.parser is not None
        while position < limit:
            if parsing or view[position] != DOLLAR:
                position = self._message(view, position, limit, now)
                channels, parsing = self._dialogue.channels, self._peer.parser is not None
                continue
            if limit - position < _FRAME.size:
                break
            number, length = _FRAME.unpack_from(view, position)
            end = position + _FRAME.size + length
            if end > limit:
                break
            choice = channels.get(number)
            if choice is None:
                self._stray()
            elif length > 1 and 192 <= view[position + 5] <= 223:
                # RTCP is told by its type, for servers that mix up their channels.
                self._control(choice, bytes(view[position + 4 : end]), now)
            else:
                choice.reception.packet(view[position + 4 : end])
                end = choice.reception.run(view, end, limit, number)
                media = True
            position = end
        self._peer.received += position
        if media:
            self._times.media, self._peer.unexpected = now, 0
        return position

    def datagram(self, track: Track, data: memoryview, *, control: bool, now: float, utc: Utc) -> None:
        """A packet that came by UDP, from the server's address; RTCP if `control`. `data` must not change."""
        self._receivers.arrival = Arrival(now, utc)
        self._peer.received += len(data)
        choice = next((choice for choice in self._dialogue.tracks if choice.track is track), None)
        if choice is None:
            return
        if control or len(data) < 4:
            self._datagrams(choice, [data], now, control=control)
            return
        order = self._peer.order.setdefault(track, ReorderBuffer(self._limits.reorder))
        self._datagrams(choice, order.push(data[2] << 8 | data[3], data, now), now, control=False)

    def _datagrams(self, choice: Choice, packets: list[memoryview], now: float, *, control: bool) -> None:
        for packet in packets:
            if control:
                self._control(choice, bytes(packet), now)
                continue
            self._times.media = now
            try:
                choice.reception.packet(packet)
            except RtpError as error:
                # By UDP one bad packet says nothing of the next.
                self._outputs.on_lost(error.what)

    def _stray(self) -> None:
        self._peer.unexpected += 1
        if self._peer.unexpected > self._limits.unexpected:
            raise RtpError("The camera sends media on channels that were not agreed on")

    def _control(self, choice: Choice, data: bytes, now: float) -> None:
        try:
            packets = parse_rtcp(data)
        except RtpError:
            return  # it costs a report, not the stream
        for packet in packets:
            if isinstance(packet, SenderReport) and choice.reception.reported(packet, now):
                choice.clock.report(packet.utc, packet.rtp_time)
            elif isinstance(packet, Goodbye) and choice.reception.ssrc in packet.ssrcs and choice.track is Track.VIDEO:
                raise EndedError("The camera ended the stream")

    def _unit(self, unit: AccessUnit) -> None:
        if unit.track is Track.VIDEO:
            self._times.picture = self._receivers.arrival.now
        self._outputs.on_unit(unit)

    # Messages

    def _message(self, view: memoryview, position: int, limit: int, now: float) -> int:
        """Hand more to the parser, as long as it hasn't a whole message; where to go on."""
        parser = self._peer.parser or MessageParser(self._limits.message)
        end = min(limit, position + _CHUNK)
        parser.receive(view[position:end])
        message = parser.next()
        if message is None:
            self._peer.parser = parser if parser.pending else None
            return end
        self._peer.parser = None
        rest = parser.pending
        if isinstance(message, Interleaved):
            # Empty lines stood ahead of it.
            frame = bytes((DOLLAR, message.channel)) + len(message.data).to_bytes(2, "big") + message.data
            self.receive(memoryview(frame), now=now, utc=self._receivers.arrival.utc)
        elif isinstance(message, Request):
            self._asked(message)
        else:
            self._answered(message, now)
        return end - rest

    def _asked(self, request: Request) -> None:
        """Servers may ask, too: whether we live, or to leave."""
        if request.method == "TEARDOWN":
            raise EndedError("The camera ended the session")
        known = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
        headers = Headers(("CSeq", str(request.cseq))) if request.cseq is not None else Headers()
        self._peer.answers.append(Response(200 if known else 501, headers).serialise())

    def _answered(self, response: Response, now: float) -> None:
        pending = self._pending
        if pending is None or 100 <= response.status < 200:
            return
        if response.cseq is not None and response.cseq != pending.sequence:
            return
        self._pending = None
        self._go_on(pending.conversation, response, now)

    def _converse(self, conversation: Conversation, now: float) -> None:
        self._go_on(conversation, None, now)

    def _go_on(self, conversation: Conversation, response: Response | None, now: float) -> None:
        was_playing = self._dialogue.playing
        try:
            request = next(conversation) if response is None else conversation.send(response)
        except StopIteration:
            self._times.alive = now
            if self._dialogue.playing and not was_playing:
                self._times.media = self._times.picture = now
                self._times.report = now - self._limits.report + 1.0
            return
        self._peer.answers.append(request.serialise())
        self._pending = _Pending(conversation, request.cseq, now + self._limits.answer)
