"""One TCP (or TLS) connection of the RTSP client: one receive buffer shared by all connections of an event loop.

What is read is used up before the loop goes on to another connection; only the beginning of a frame that isn't
whole yet is kept for each.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import cast

from camward.base.clock import Clock
from camward.media.unit import Track
from camward.rtsp.aio.rounds import Member
from camward.rtsp.aio.udp_receiver import UdpReceiver
from camward.rtsp.core.client import ClientSession
from camward.rtsp.core.client_errors import EndedError, UnreachableError
from camward.rtsp.core.client_limits import ClientLimits

BUFFER = 256 * 1024
"""Several of the longest interleaved frames (64 KiB): the beginning of one always leaves room for its rest."""

_buffers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = weakref.WeakKeyDictionary()


def shared_buffer() -> memoryview:
    """The receive buffer of the running loop."""
    loop = asyncio.get_running_loop()
    buffer = _buffers.get(loop)
    if buffer is None:
        buffer = _buffers[loop] = memoryview(bytearray(BUFFER))
    return buffer


class Connection(asyncio.BufferedProtocol):
    """Bytes of a connection to its session and back.

    Args:
        session: it gets all that comes.
        low_delay: see `Member`.

    Attributes:
        ended: done when the connection is closed; an exception says why it had to end.
    """

    def __init__(self, clock: Clock, *, low_delay: bool) -> None:
        self.session: ClientSession | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._clock, self._low_delay = clock, low_delay
        self._buffer = shared_buffer()
        self._rest = b""
        self._playing = False
        self._unread = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._error: BaseException | None = None
        self.member: Member | None = None
        self.receivers: list[UdpReceiver] = []

    def start(self, session: ClientSession, *, limits: ClientLimits) -> None:
        """Begin to talk; look at deadlines from time to time."""
        self.session, self._unread = session, limits.unread
        self._guarded(lambda: session.start(self._clock.monotonic()))
        self._tick(limits.tick)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast(asyncio.Transport, transport)
        self.member = Member(transport.get_extra_info("socket"), low_delay=self._low_delay)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `asyncio.BufferedProtocol`: behind what is left over from the last read."""
        rest = self._rest
        if not rest:
            return self._buffer
        self._buffer[: len(rest)] = rest
        return self._buffer[len(rest) :]

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        session = self.session
        end = len(self._rest) + nbytes
        if session is None or self._error is not None:
            self._rest = b""
            return
        try:
            used = session.receive(self._buffer[:end], now=self._clock.monotonic(), utc=self._clock.utc())
        except Exception as error:
            self._fail(error)
            return
        self._rest = bytes(self._buffer[used:end]) if used < end else b""
        if session.playing and self.member is not None:
            if not self._playing:
                self._playing = True
                self.member.join()
            self.member.taken()
        self._send()

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        if self._timer is not None:
            self._timer.cancel()
        if self.member is not None:
            self.member.leave()
        if self.ended.done():
            return
        reason = self._error
        if reason is None and not (self.session is not None and self.session.redirect):
            why = str(error) if error else ""
            reason = EndedError("The camera closed the connection", why=why, next="It is connected to again")
        if reason is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(reason)

    # Ours

    @property
    def addresses(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Ours and the peer's, as from `getsockname`."""
        assert self._transport is not None
        return self._transport.get_extra_info("sockname"), self._transport.get_extra_info("peername")

    def datagram(self, track: Track, data: bytes, control: bool) -> None:  # noqa: FBT001 (a callback)
        """A packet that came by UDP."""
        session = self.session
        if session is None or self._error is not None:
            return
        now, utc = self._clock.monotonic(), self._clock.utc()
        self._guarded(lambda: session.datagram(track, memoryview(data), control=control, now=now, utc=utc))

    def close(self) -> None:
        """Say goodbye and close."""
        if self._transport is None or self._transport.is_closing():
            return
        if self.session is not None and self._error is None:
            self.session.close()
            self._send()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _tick(self, seconds: float) -> None:
        session = self.session
        if session is None or self.ended.done():
            return
        now = self._clock.monotonic()
        self._guarded(lambda: session.on_timeout(now, self._clock.utc()))
        if self._error is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._tick, seconds)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            self._fail(error)
            return
        self._send()

    def _send(self) -> None:
        assert self.session is not None
        if self._transport is None or self._transport.is_closing():
            return
        for data in self.session.to_send():
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > self._unread:
                self._fail(UnreachableError("The camera asks and does not read our answers"))
                return
        if self.receivers:
            self._send_datagrams()
        if self.session.redirect:
            self._transport.close()

    def _send_datagrams(self) -> None:
        assert self.session is not None
        for receiver in self.receivers:
            server = self.session.servers.get(receiver.track)
            if server is not None and server.server_port is not None:
                receiver.agree(server.server_port)
        for track, data in self.session.reports():
            self.receivers[track].report(data)

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        if self.session is not None:
            self._rest = b""
        self.abort()
