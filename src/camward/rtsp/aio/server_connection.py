"""One RTSP connection of the server: bytes in and out, requests in their order, deadlines, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from camward.rtsp.aio.conversation import Conversation, Place
from camward.rtsp.aio.host import RtspHost
from camward.rtsp.aio.played import SessionInfo
from camward.rtsp.core.errors import MessageError, RefusedError
from camward.rtsp.core.feed import StreamFeed
from camward.rtsp.core.headers import Headers
from camward.rtsp.core.messages import Interleaved, Response
from camward.rtsp.core.server import Asked, ServerDialog


class RtspConnection(asyncio.Protocol):
    """The protocol that the door hands a connection to.

    Args:
        host: what all connections share.
        on_open: told when the connection is there.
        on_closed: told when it is gone.
    """

    _transport: asyncio.Transport
    _talk: Conversation

    def __init__(
        self,
        host: RtspHost,
        *,
        on_open: Callable[[RtspConnection], None],
        on_closed: Callable[[RtspConnection], None],
    ) -> None:
        self._host = host
        self._on_open, self._on_closed = on_open, on_closed
        self._dialog = ServerDialog(host.limits.dialog, host.clock.monotonic())
        self._waiting: asyncio.Task[None] | None = None
        self._stalled: float | None = None
        self._leaving: float | None = None
        self._closing: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._host.limits.mark)
        place = Place(
            peer=transport.get_extra_info("peername") or ("", 0),
            local=transport.get_extra_info("sockname") or ("", 0),
            secure=transport.get_extra_info("sslcontext") is not None,
        )
        self._talk = Conversation(self._host, self._transport, place, on_ended=self.leave)
        self._on_open(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._closing is None:
            self._dialog.receive(data, self._host.clock.monotonic())
            self._pump()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._stalled = self._host.clock.monotonic()
        self._talk.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._stalled = None
        self._talk.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`: its sessions end with it."""
        if self._closing is None:
            self._closing = self._host.clock.monotonic()
        if self._waiting is not None:
            self._waiting.cancel()
        self._talk.end_all("the client hung up")
        self._on_closed(self)

    def leave(self, reason: str) -> None:
        """End its sessions and then, once the client has had time to ask for that itself, the connection.

        GStreamer takes a connection that closes right behind BYE for an error.
        """
        if self._closing is None and self._leaving is None:
            self._leaving = self._host.clock.monotonic()
            self._talk.end_all(reason, goodbye=True)

    def close(self, reason: str) -> None:
        """End it: sessions say goodbye, what is written gets a moment to arrive."""
        if self._closing is None:
            self._closing = self._host.clock.monotonic()
            self._talk.end_all(reason, goodbye=True)
            self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def tick(self, now: float) -> None:
        """Once a second: the deadlines."""
        limits = self._host.limits
        if self._closing is not None:
            if now - self._closing > limits.farewell:
                self.abort()
        elif self._leaving is not None and now - self._leaving > limits.farewell:
            self.close("its sessions have ended")
        elif self._stalled is not None and now - self._stalled > limits.stall:
            self.abort()
        elif refusal := self._talk.refusal():
            self.close(refusal)
        elif self._waiting is None and self._dialog.expired(now, sessions=bool(self._talk.sessions)):
            self.close("the client took too long")
        else:
            self._talk.expire(now)

    @property
    def infos(self) -> list[SessionInfo]:
        """Its sessions, for status pages."""
        return self._talk.infos

    def _pump(self) -> None:
        """Act on what has come, one request after the other."""
        while self._waiting is None and self._closing is None and (found := self._dialog.next()) is not None:
            if isinstance(found, Interleaved):
                self._talk.hear(found)
            else:
                self._act(found)
        self._flush()
        if self._dialog.closed:
            self.close("the client broke the protocol")

    def _flush(self) -> None:
        if (data := self._dialog.to_send()) and self._closing is None:
            self._transport.write(data)

    def _act(self, asked: Asked) -> None:
        try:
            if asked.request.method == "DESCRIBE":
                self._describe(asked)
                return
            reply = self._talk.act(asked)
        except (RefusedError, MessageError) as error:
            fields = error.fields if isinstance(error, RefusedError) else ()
            self._dialog.answer(asked.request, Response(error.status, Headers(*fields)))
            return
        self._dialog.answer(asked.request, reply.response)
        self._flush()
        if reply.then is not None and self._closing is None:
            reply.then()

    def _describe(self, asked: Asked) -> None:
        feed = self._talk.wanted(asked)
        if feed.stream.format is not None and feed.stream.no_signal is None:
            self._host.release_later(feed)
            self._dialog.answer(asked.request, self._talk.description(asked, feed, feed.stream.format))
            return
        # Made on demand, or without a signal just now. Nothing is read meanwhile, so nothing piles up.
        self._transport.pause_reading()
        self._waiting = asyncio.get_running_loop().create_task(self._describe_later(asked, feed))

    async def _describe_later(self, asked: Asked, feed: StreamFeed) -> None:
        try:
            async with asyncio.timeout(self._host.limits.describe):
                form = await feed.stream.wait_format()
            response = self._talk.description(asked, feed, form)
        except TimeoutError:
            response = Response(503, Headers(("Retry-After", "5")))
        finally:
            self._host.release_later(feed)
            self._waiting = None
        if self._closing is None:
            self._dialog.answer(asked.request, response)
            self._transport.resume_reading()
            self._pump()
