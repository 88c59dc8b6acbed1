"""The RTSP server: makes the protocols for the door's RTSP listener, and watches over them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from camward.access import Access
from camward.base.clock import Clock
from camward.media.stream import MediaStream
from camward.rtsp.aio.host import RtspHost, RtspServerLimits
from camward.rtsp.aio.played import SessionInfo
from camward.rtsp.aio.server_connection import RtspConnection
from camward.rtsp.core.server import PLAIN_REFUSED

__all__ = ["PLAIN_REFUSED", "RtspServer", "RtspServerLimits", "SessionInfo"]

TICK = 1.0
"""Seconds between two looks at the deadlines."""


class RtspServer:
    """Serves streams to RTSP clients. All calls are made on one event loop.

    Args:
        stream: finds a stream by its name ("stream1"); None: there is none.
        access: who may; its `digest` checks every request.
        clock: the clocks.
        plain: whether plain RTSP, and UDP media with it, is allowed now; asked again every second.
        limits: see `RtspServerLimits`.
    """

    def __init__(
        self,
        *,
        stream: Callable[[str], MediaStream | None],
        access: Access,
        clock: Clock,
        plain: Callable[[], bool],
        limits: RtspServerLimits = RtspServerLimits(),
    ) -> None:
        self._host = RtspHost(stream=stream, access=access, clock=clock, plain=plain, limits=limits)
        self._connections: set[RtspConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._closed = False

    def protocol(self) -> asyncio.BaseProtocol:
        """The protocol of one new connection: for a door's `Listener`, with `PLAIN_REFUSED` beside it."""
        return RtspConnection(self._host, on_open=self._opened, on_closed=self._lost)

    @property
    def sessions(self) -> list[SessionInfo]:
        """All sessions now."""
        return [info for connection in self._connections for info in connection.infos]

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._connections)

    async def close(self) -> None:
        """End all sessions and connections; new ones are closed at once."""
        self._closed = True
        for connection in list(self._connections):
            connection.close("the server stops")
        try:
            async with asyncio.timeout(self._host.limits.farewell):
                while self._connections:
                    self._gone.clear()
                    await self._gone.wait()
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._host.close()

    def _opened(self, connection: RtspConnection) -> None:
        self._connections.add(connection)
        if self._closed:
            connection.close("the server stops")
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _lost(self, connection: RtspConnection) -> None:
        self._connections.discard(connection)
        self._gone.set()

    def _tick(self) -> None:
        """Look at the deadlines; with the last connection the clock stops."""
        self._timer = None
        now = self._host.clock.monotonic()
        for connection in list(self._connections):
            connection.tick(now)
        self._host.tick()
        if self._connections and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)
