"""What all connections of an RTSP server share: streams, who may, limits, feeds, the count of sessions."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from camward.access import Access, Principal
from camward.base.clock import Clock
from camward.media.stream import MediaStream
from camward.rtsp.core.errors import RefusedError
from camward.rtsp.core.feed import StreamFeed
from camward.rtsp.core.server import ServerDialogLimits
from camward.rtsp.core.session import ServerSession

_DIALOG = ServerDialogLimits()


@dataclass(frozen=True, slots=True)
class RtspServerLimits:
    """What clients can cost us.

    Args:
        dialog: of each connection.
        sessions: at the same time.
        per_principal: sessions of one name.
        per_connection: sessions of one connection.
        describe: seconds that DESCRIBE waits for a stream to have a format.
        linger: seconds that a stream made on demand stays up behind its last user.
        timeout: seconds of silence until a session ends (UDP).
        stall: seconds that a TCP client may not read.
        farewell: seconds that a closing connection has to take its last bytes.
        mark: bytes in a connection's write buffer above which it counts as slow.
        queue: bytes of units held for a slow client.
    """

    dialog: ServerDialogLimits = _DIALOG
    sessions: int = 512
    per_principal: int = 256
    per_connection: int = 4
    describe: float = 8.0
    linger: float = 15.0
    timeout: int = 60
    stall: float = 30.0
    farewell: float = 2.0
    mark: int = 256 * 1024
    queue: int = 4 * 1024 * 1024


class RtspHost:
    """See the module.

    Args:
        stream: finds a stream by its name.
        access: tells who asks.
        plain: whether plain RTSP, and UDP media with it, is allowed now.
    """

    def __init__(
        self,
        *,
        stream: Callable[[str], MediaStream | None],
        access: Access,
        clock: Clock,
        plain: Callable[[], bool],
        limits: RtspServerLimits,
    ) -> None:
        self.access = access
        self.clock = clock
        self.plain = plain
        self.limits = limits
        self._stream = stream
        self._feeds: dict[str, StreamFeed] = {}
        self._lingering: dict[asyncio.TimerHandle, StreamFeed] = {}
        self._sessions: Counter[str] = Counter()
        self._closed = False
        self._cname = f"camward-{secrets.token_hex(4)}"

    def feed(self, name: str) -> StreamFeed:
        """The feed of a stream; made once, and anew when the stream itself is another object.

        Raises:
            RefusedError: 404.
        """
        stream = self._stream(name) if name else None
        if stream is None:
            raise RefusedError(404, "There is no such stream")
        feed = self._feeds.get(name)
        if feed is None or feed.stream is not stream:
            feed = self._feeds[name] = StreamFeed(stream, cname=self._cname)
        return feed

    def release_later(self, feed: StreamFeed) -> None:
        """Give up a use of a feed after a while: a client that describes a stream is about to play it."""
        if self._closed:
            feed.release()
            return
        loop = asyncio.get_running_loop()

        def release() -> None:
            del self._lingering[handle]
            feed.release()

        handle = loop.call_later(self.limits.linger, release)
        self._lingering[handle] = feed

    def begin(self, stream: str, principal: Principal, *, held: int) -> ServerSession:
        """A new session.

        Args:
            held: sessions that the connection has already.

        Raises:
            RefusedError: 453: too many.
        """
        limits = self.limits
        if (
            self._sessions.total() >= limits.sessions
            or self._sessions[principal.name] >= limits.per_principal
            or held >= limits.per_connection
        ):
            raise RefusedError(453, "Too many sessions", ("Retry-After", "10"))
        self._sessions[principal.name] += 1
        now = self.clock.monotonic()
        return ServerSession(secrets.token_hex(16), stream, principal.name, limits.timeout, now)

    def end(self, session: ServerSession) -> None:
        """Forget a session."""
        self._sessions[session.principal] -= 1
        self._sessions += Counter()

    def tick(self) -> None:
        """Once a second: formats followed and silent streams reported, without a unit as the occasion."""
        now, utc = self.clock.monotonic(), self.clock.utc()
        for feed in list(self._feeds.values()):
            if feed.readers:
                feed.refresh()
                feed.report_silence(now, utc)

    def close(self) -> None:
        """Give up all feeds that are only lingering, and linger no more."""
        self._closed = True
        for handle, feed in list(self._lingering.items()):
            handle.cancel()
            feed.release()
        self._lingering.clear()
