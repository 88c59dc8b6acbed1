"""What a client on one connection may ask for, and what it gets: authorised requests to sessions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from camward.access import Action, DigestConnection, Principal, may
from camward.access.errors import DigestRefusedError
from camward.media.unit import StreamFormat, Track
from camward.rtsp.aio.host import RtspHost
from camward.rtsp.aio.played import PlayedSession, SessionInfo
from camward.rtsp.aio.tcp_reader import TcpReader
from camward.rtsp.aio.udp_ports import UdpPorts
from camward.rtsp.aio.udp_reader import UdpReader
from camward.rtsp.core.errors import RefusedError
from camward.rtsp.core.feed import StreamFeed
from camward.rtsp.core.headers import Headers, SessionHeader
from camward.rtsp.core.messages import Interleaved, Response
from camward.rtsp.core.sdp import build_sdp, tracks_of
from camward.rtsp.core.server import PUBLIC, Asked
from camward.rtsp.core.session import check_range, choose_transport, track_to_set_up
from camward.rtsp.core.transport import Transport, parse_transports

log = structlog.get_logger(__name__)

CONTINUED = frozenset({"PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"})
"""What some clients ask for without credentials once they play; the connection has proved itself by then."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection comes from and arrives.

    Args:
        peer: address and port of the client (IPv6: flow and scope too).
        local: the same of ours.
        secure: whether it is under TLS.
    """

    peer: tuple[str, int]
    local: tuple[str, int]
    secure: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what is to be done once it is written."""

    response: Response
    then: Callable[[], None] | None = None


class Conversation:
    """Sessions of one connection.

    Args:
        host: what all connections share.
        transport: for media through the connection.
        place: see `Place`.
        on_ended: a stream has changed its format: all sessions are to end, for this reason.
    """

    def __init__(
        self, host: RtspHost, transport: asyncio.WriteTransport, place: Place, *, on_ended: Callable[[str], None]
    ) -> None:
        self.sessions: dict[str, PlayedSession] = {}
        self.principal: Principal | None = None
        self._host = host
        self._transport = transport
        self._place = place
        self._on_ended = on_ended
        self._paused = False
        self._proved = DigestConnection()
        self._ended: deque[str] = deque(maxlen=host.limits.per_connection)

    # -- who asks ------------------------------------------------------------------------------------------------

    def refusal(self) -> str:
        """Why this connection must not go on (asked again and again while it lives); empty if it may."""
        if not (self._place.secure or self._host.plain()):
            return "plain RTSP is off"
        if self.principal is not None and self.sessions:
            present = self._host.access.current(self.principal)
            if not all(may(present, Action.LIVE, played.session.stream) for played in self.sessions.values()):
                return "access was withdrawn"
        return ""

    def _authorise(self, asked: Asked, *, stream: str) -> Principal:
        """Who asks, if they may see this stream.

        Raises:
            RefusedError: 401 with the challenges, 400, or 403.
        """
        request = asked.request
        authorization = request.headers.get("Authorization") or None
        if authorization is None and self.sessions and self.principal is not None and request.method in CONTINUED:
            return self.principal
        try:
            principal = self._host.access.digest.check(
                method=request.method,
                uri=request.uri,
                authorization=authorization,
                address=self._place.peer[0],
                body=request.body,
                connection=self._proved,
            )
        except DigestRefusedError as error:
            fields = [("WWW-Authenticate", challenge) for challenge in error.challenges]
            if error.wait:
                fields.append(("Retry-After", str(max(1, round(error.wait)))))
            # RTSP has no 429: an address that has to wait hears 403, which stops a player's tries.
            raise RefusedError(403 if error.status == 429 else error.status, error.what, *fields) from error
        if not may(principal, Action.LIVE, stream):
            raise RefusedError(403, "This user or client may not see the stream")
        self.principal = principal
        return principal

    # -- requests ------------------------------------------------------------------------------------------------

    def wanted(self, asked: Asked) -> StreamFeed:
        """DESCRIBE, first part: the stream, kept up from now on until the caller releases it.

        Raises:
            RefusedError: not authorised, or no such stream.
        """
        self._authorise(asked, stream=asked.target.stream)
        feed = self._host.feed(asked.target.stream)
        feed.acquire()
        return feed

    def description(self, asked: Asked, feed: StreamFeed, form: StreamFormat) -> Response:
        """DESCRIBE, second part, once the format is known."""
        feed.refresh()
        text = build_sdp(form, name=feed.stream.name, version=feed.version, address=self._place.local[0])
        fields = Headers(("Content-Base", asked.target.base + "/"), ("Content-Type", "application/sdp"))
        return Response(200, fields, text.encode())

    def act(self, asked: Asked) -> Reply:
        """Any request but DESCRIBE.

        Raises:
            RefusedError: with the status to answer.
            MessageError: a header can't be read.
        """
        match asked.request.method:
            case "OPTIONS":
                return Reply(Response(200, Headers(("Public", PUBLIC))))
            case "SETUP":
                return self._set_up(asked)
            case "PLAY":
                return self._play(asked)
            case "PAUSE" | "TEARDOWN":
                return self._stop(asked)
            case _:
                return self._parameter(asked)

    def _session(self, asked: Asked) -> PlayedSession:
        """The session that a request names; it is a sign of life.

        Raises:
            RefusedError: 454, or not authorised.
        """
        played = self.sessions.get(asked.session)
        stream = played.session.stream if played is not None else asked.target.stream
        self._authorise(asked, stream=stream)
        if played is None:
            raise RefusedError(454, "There is no such session on this connection")
        played.session.heard = self._host.clock.monotonic()
        return played

    def _stop(self, asked: Asked) -> Reply:
        if asked.session and asked.session in self._ended:
            # We have ended it, and said so; a client that wants to is no error.
            return Reply(Response(200, Headers(("Session", asked.session))))
        played = self._session(asked)
        if asked.request.method == "PAUSE":
            played.pause()
        else:
            self._end(played, "the client tore it down")
        return Reply(Response(200, Headers(("Session", played.session.id))))

    def _parameter(self, asked: Asked) -> Reply:
        """GET_PARAMETER and SET_PARAMETER keep a session alive; there is no parameter to get or set."""
        fields = Headers()
        if asked.session:
            fields = Headers(("Session", self._session(asked).session.id))
        else:
            self._authorise(asked, stream=asked.target.stream)
        return Reply(Response(451 if asked.request.body.strip() else 200, fields))

    def _set_up(self, asked: Asked) -> Reply:
        name = asked.target.stream
        principal = self._authorise(asked, stream=name)
        feed = self._host.feed(name)
        feed.refresh()
        if feed.stream.format is None:
            raise RefusedError(503, "The stream has no signal", ("Retry-After", "5"))
        played = self.sessions.get(asked.session)
        if played is not None:
            played.session.may_set_up(name)
        elif asked.session:
            raise RefusedError(454, "There is no such session on this connection")
        track = track_to_set_up(asked.target.track, tracks_of(feed.stream.format))
        offers = parse_transports(asked.request.headers.get("Transport"))
        taken = {number for other in self.sessions.values() for number in other.reader.channels}
        chosen = choose_transport(offers, udp=self._host.plain(), taken=taken)
        if played is not None and played.reader.lower != chosen.lower:
            raise RefusedError(461, "All tracks of a session take the same way")
        begun = played or self._begin(feed, principal, chosen)
        try:
            answer = self._attach(begun, track, chosen)
        except OSError as error:
            if played is None:
                self._end(begun, "no UDP ports")
            raise RefusedError(453, f"No UDP ports: {error.strerror}") from error
        header = SessionHeader(begun.session.id, begun.session.timeout)
        fields = Headers(("Transport", answer.serialise()), ("Session", header.serialise()))
        return Reply(Response(200, fields))

    def _begin(self, feed: StreamFeed, principal: Principal, chosen: Transport) -> PlayedSession:
        limits = self._host.limits
        session = self._host.begin(feed.stream.name, principal, held=len(self.sessions))
        reader: TcpReader | UdpReader
        if chosen.lower == "tcp":
            reader = TcpReader(self._transport, queue=limits.queue, on_ended=self._on_ended)
            if self._paused:
                reader.pause()
        else:
            reader = UdpReader(queue=limits.queue, on_ended=self._on_ended)
        feed.acquire()
        played = PlayedSession(session, feed, reader, self._host.clock.utc(), feed.version)
        self.sessions[session.id] = played
        log.info("rtsp_session_begun", stream=session.stream, principal=session.principal, transport=chosen.lower)
        return played

    def _attach(self, played: PlayedSession, track: Track, chosen: Transport) -> Transport:
        """Give a track its way; the transport as it is answered."""
        ssrc = f"{played.feed.ssrc(track):08X}"
        if isinstance(played.reader, TcpReader):
            assert chosen.interleaved is not None
            played.reader.set_up(track, chosen.interleaved)
            return Transport(lower="tcp", interleaved=chosen.interleaved, ssrc=ssrc)
        assert chosen.client_port is not None
        ports = UdpPorts(
            self._place.local,
            self._place.peer,
            chosen.client_port,
            on_packet=partial(self._hear_udp, played),
        )
        played.reader.set_up(track, ports)
        return Transport(client_port=chosen.client_port, server_port=ports.ports, ssrc=ssrc)

    def _play(self, asked: Asked) -> Reply:
        played = self._session(asked)
        check_range(asked.request.headers.get("Range"))
        played.feed.refresh()
        if played.version != played.feed.version:
            self._end(played, "the stream's format changed")
            raise RefusedError(454, "The stream has changed since it was set up")
        fields = [("Session", played.session.id), ("Range", "npt=now-")]
        if played.session.playing:
            return Reply(Response(200, Headers(*fields)))
        fields.append(("RTP-Info", played.rtp_info(asked.target.base)))
        return Reply(Response(200, Headers(*fields)), partial(played.play, self._host.clock.utc()))

    # -- while it plays ------------------------------------------------------------------------------------------

    def hear(self, packet: Interleaved) -> None:
        """RTCP of the client, through the connection; on channels of nobody it is dropped."""
        now = self._host.clock.monotonic()
        for played in self.sessions.values():
            if packet.channel in played.reader.channels:
                played.hear(packet.data, now)

    def _hear_udp(self, played: PlayedSession, data: bytes) -> None:
        played.hear(data, self._host.clock.monotonic())

    def pause_writing(self) -> None:
        """The connection takes no more for now."""
        self._paused = True
        for played in self.sessions.values():
            if isinstance(played.reader, TcpReader):
                played.reader.pause()

    def resume_writing(self) -> None:
        """The connection takes more."""
        self._paused = False
        for played in self.sessions.values():
            if isinstance(played.reader, TcpReader):
                played.reader.resume()

    def expire(self, now: float) -> None:
        """End sessions of clients that say nothing, and UDP ones once UDP is off.

        A client that plays through the connection need say nothing: it reads, so it lives.
        """
        for played in list(self.sessions.values()):
            udp = played.reader.lower == "udp"
            if (udp or not played.session.playing) and played.session.expired(now):
                self._end(played, "the client was silent", goodbye=True)
            elif udp and not self._host.plain():
                self._end(played, "UDP is off", goodbye=True)

    def end_all(self, reason: str, *, goodbye: bool = False) -> None:
        """End every session."""
        for played in list(self.sessions.values()):
            self._end(played, reason, goodbye=goodbye)

    def _end(self, played: PlayedSession, reason: str, *, goodbye: bool = False) -> None:
        if self.sessions.pop(played.session.id, None) is not None:
            self._ended.append(played.session.id)
            played.end(goodbye=goodbye)
            self._host.end(played.session)
            self._host.release_later(played.feed)
            log.info(
                "rtsp_session_ended",
                stream=played.session.stream,
                principal=played.session.principal,
                reason=reason,
                lost=played.reader.lost,
            )

    @property
    def infos(self) -> list[SessionInfo]:
        """For status pages."""
        return [
            played.info(address=self._place.peer[0], secure=self._place.secure) for played in self.sessions.values()
        ]
