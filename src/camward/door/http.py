"""Hosts an ASGI application on connections that the door hands over, within limits.

uvicorn parses HTTP and WebSocket; it opens no socket of its own. What it lacks on a hostile network is added here:
a deadline for the request's head and body, and bounds on the head's size and number of fields.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState

PLAIN_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This port speaks HTTPS. Write https:// in front of the address.\n"
)


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one client can cost us.

    Args:
        head_bytes: request line and header fields together.
        fields: header fields.
        head_seconds: from the first byte of a request (or the connection) to the end of its head.
        body_seconds: from there to the end of its body.
        idle_seconds: between requests.
        message_bytes: one WebSocket message from a client.
    """

    head_bytes: int = 32 * 1024
    fields: int = 64
    head_seconds: float = 10.0
    body_seconds: float = 120.0
    idle_seconds: int = 75
    message_bytes: int = 64 * 1024


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with a clock and a ruler."""

    def __init__(self, config: Config, state: ServerState, *, limits: HttpLimits) -> None:
        super().__init__(config, state, {})
        self.limits = limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._head = 0
        self._in_head = True
        self._deadline: asyncio.TimerHandle | None = None
        self._allow(self.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._allow(None)
        super().connection_lost(exc)

    def _allow(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._refuse(b"408 Request Timeout", b"The request took too long.\n")

    def _refuse(self, status: bytes, text: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 "
                + status
                + b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
                + text
            )
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._in_head:
            self._head += len(data)
            if self._head > self.limits.head_bytes and b"\r\n\r\n" not in data:
                self._refuse(b"431 Request Header Fields Too Large", b"The request's head is too large.\n")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """See httptools."""
        self._in_head = True
        self._fields = 0
        self._allow(self.limits.head_seconds)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        self._fields += 1
        if self._fields > self.limits.fields:
            raise ValueError("too many header fields")  # the parser turns it into 400 and closes
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._in_head = False
        self._head = 0
        self._allow(self.limits.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See httptools."""
        self._allow(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The WebSocket protocol takes over, with its own pings."""
        self._allow(None)
        super().handle_websocket_upgrade()


class HttpHost:
    """Makes HTTP protocols for one ASGI application."""

    def __init__(self, app: Callable[..., Any], *, limits: HttpLimits = HttpLimits()) -> None:
        self._limits = limits
        self._config = Config(
            app,
            http=BoundedHttp,
            ws="websockets-sansio",
            ws_max_size=limits.message_bytes,
            ws_per_message_deflate=False,  # video does not compress; deflating it costs a core
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=limits.idle_seconds,
        )
        self._config.load()
        self._state = ServerState()

    def protocol(self) -> asyncio.Protocol:
        """A protocol for one accepted connection."""
        return BoundedHttp(self._config, self._state, limits=self._limits)

    async def close(self) -> None:
        """Ask every connection to finish, and wait up to two seconds for the requests under way."""
        for connection in list(self._state.connections):
            with contextlib.suppress(InvalidState):  # a WebSocket that is closing already
                connection.shutdown()
        async with asyncio.timeout(2):
            if self._state.tasks:
                await asyncio.wait(self._state.tasks, timeout=1.5)
