"""The RTSP client: plays one camera into a sink."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from typing import Literal, Protocol

from camward.base.clock import Clock
from camward.base.errors import ConfigurationError
from camward.media.unit import AccessUnit, StreamFormat, Track
from camward.rtsp.aio.client_connection import Connection
from camward.rtsp.aio.udp_receiver import UdpReceiver
from camward.rtsp.core.client import ClientSession, Outputs
from camward.rtsp.core.client_address import Address, Credentials, parse_address
from camward.rtsp.core.client_errors import (
    AnswerError,
    EndedError,
    OtherDeviceError,
    RefusedByServerError,
    RtspClientError,
    UnreachableError,
)
from camward.rtsp.core.client_limits import CLIENT_LIMITS, ClientLimits
from camward.rtsp.core.client_tracks import RawAudio
from camward.trust.tls import ca_client_context

__all__ = [
    "AnswerError",
    "ClientLimits",
    "Credentials",
    "EndedError",
    "OtherDeviceError",
    "RawAudio",
    "RefusedByServerError",
    "RtspClient",
    "RtspClientError",
    "Sink",
    "UnreachableError",
]

_FAREWELL = 2.0
"""Seconds that closing may take."""


class Sink(Protocol):
    """Takes what a camera sends, at once, on the event loop."""

    def on_format(self, form: StreamFormat) -> None:
        """Ahead of the first unit, and whenever the format changes."""
        ...

    def on_unit(self, unit: AccessUnit) -> None:
        """The next unit; the first one of a connection and any behind a loss carry DISCONTINUITY."""
        ...

    def on_lost(self, reason: str) -> None:
        """Video is missing; it goes on with a key picture."""
        ...


class RtspClient:
    """One camera's stream.

    Args:
        url: rtsp:// or rtsps://; a name and password in it are used when `credentials` is None.
        sink: gets the format and the units.
        credentials: how to sign in.
        tls: for rtsps: what holds the peer to its pin or a CA; None: the machine's root certificates. With a context
            an rtsp URL is spoken over TLS too, never plain.
        clock: the time.
        transport: "tcp": through the connection; "udp": to ports of ours, never beside TLS.
        low_delay: hand each packet on at once, at the price of more work.
        basic_allowed: whether the password may be sent readable.
        on_raw_audio: gets G.711 audio, which is left out without it.
        limits: deadlines and bounds.

    Attributes:
        on_playing: called when the first picture came.
        notes: what of the stream is left out, and why.

    Raises:
        ConfigurationError: the URL can't be used, or UDP beside TLS.
    """

    def __init__(
        self,
        url: str,
        sink: Sink,
        *,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock,
        transport: Literal["tcp", "udp"] = "tcp",
        low_delay: bool = False,
        basic_allowed: bool = False,
        on_raw_audio: Callable[[RawAudio], None] | None = None,
        limits: ClientLimits = CLIENT_LIMITS,
    ) -> None:
        self._address = parse_address(url)
        self._tls = tls or (ca_client_context() if self._address.tls else None)
        if transport == "udp" and self._tls is not None:
            raise ConfigurationError(
                "UDP would carry the pictures of an encrypted connection in the clear",
                next="Choose TCP for this camera",
            )
        self._sink, self._clock, self._limits = sink, clock, limits
        self._credentials = credentials or self._address.credentials
        self._udp, self._low_delay, self._basic_allowed = transport == "udp", low_delay, basic_allowed
        self._on_raw_audio = on_raw_audio
        self._connection: Connection | None = None
        self._session: ClientSession | None = None
        self.on_playing: Callable[[], None] | None = None
        self._seen = False

    async def run(self) -> None:
        """Play over one connection until it ends, which it does with an error. Cancel to stop.

        Raises:
            UnreachableError: no answer, or the stream stopped; `EndedError`: the camera ended it.
            RefusedByServerError: the camera refused us; `OtherDeviceError`: it isn't the pinned one.
            RtspError: what it sends can't be used.
        """
        address = self._address
        for _ in range(self._limits.redirects + 1):
            redirect = await self._connected(address)
            if redirect is None:
                return
            address = parse_address(redirect)
        raise AnswerError("The camera sends us from one place to the next", next="Look up the right path in its manual")

    @property
    def notes(self) -> list[str]:
        """What of the stream is left out, and why."""
        return list(self._session.notes) if self._session else []

    @property
    def received(self) -> int:
        """Bytes received over the present or last connection."""
        return self._session.received if self._session else 0

    @property
    def lost(self) -> int:
        """Video packets lost over the present or last connection."""
        return self._session.lost if self._session else 0

    def set_low_delay(self, on: bool) -> None:  # noqa: FBT001 (set to what is said)
        """Hand each packet on at once (someone looks on), or in larger runs."""
        self._low_delay = on
        if self._connection is not None and self._connection.member is not None:
            self._connection.member.set_low_delay(on=on)

    async def _connected(self, address: Address) -> str | None:
        """One connection; another URL if the camera sends us there."""
        connection = await self._connect(address)
        receivers: list[UdpReceiver] = []
        try:
            if self._udp:
                receivers = self._open_ports(connection)
            session = ClientSession(
                address,
                self._outputs(),
                credentials=self._credentials,
                # A readable password goes to the place that was meant, not to where that one points.
                basic_allowed=self._basic_allowed and address.host == self._address.host,
                client_ports={receiver.track: receiver.ports for receiver in receivers},
                ssrc=secrets.randbits(32),
                limits=self._limits,
            )
            self._session, self._connection = session, connection
            connection.receivers = receivers
            connection.start(session, limits=self._limits)
            await asyncio.shield(connection.ended)
        finally:
            self._connection = None
            for receiver in receivers:
                receiver.close()
            await self._close(connection)
        return session.redirect

    async def _close(self, connection: Connection) -> None:
        connection.close()
        try:
            async with asyncio.timeout(_FAREWELL):
                await asyncio.wait([connection.ended])
        finally:
            connection.abort()
            if connection.ended.done() and not connection.ended.cancelled():
                connection.ended.exception()  # seen, whoever raised it

    async def _connect(self, address: Address) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.connect):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._clock, low_delay=self._low_delay),
                    address.host,
                    address.port,
                    ssl=self._tls,
                    server_hostname=address.host if self._tls else None,
                )
        except ssl.SSLCertVerificationError as error:
            raise OtherDeviceError(
                "This is not the camera that was added, or its certificate is not trusted",
                why=error.verify_message or str(error),
                next="If it was exchanged or set up anew, add it again",
            ) from error
        except ssl.SSLError as error:
            raise UnreachableError(
                "No secure connection to the camera", why=error.reason or str(error), next="Does it speak TLS there?"
            ) from error
        except TimeoutError as error:
            raise UnreachableError(
                "The camera doesn't answer", why="nothing came back in time", next="Look at its network and power"
            ) from error
        except OSError as error:
            raise UnreachableError(
                "The camera can't be reached",
                why=error.strerror or str(error),
                next="Look at address, network and power",
            ) from error
        return connection

    def _open_ports(self, connection: Connection) -> list[UdpReceiver]:
        local, peer = connection.addresses
        receivers: list[UdpReceiver] = []
        try:
            for track in Track:
                receivers.append(UdpReceiver(track, local=local, host=peer[0], on_packet=connection.datagram))
        except OSError:
            for receiver in receivers:
                receiver.close()
            raise
        return receivers

    def _outputs(self) -> Outputs:
        self._seen = False
        return Outputs(self._sink.on_format, self._first_unit, self._sink.on_lost, self._on_raw_audio)

    def _first_unit(self, unit: AccessUnit) -> None:
        if not self._seen and unit.track is Track.VIDEO:
            self._seen = True
            if self.on_playing is not None:
                self.on_playing()
        self._sink.on_unit(unit)
