"""One look at a camera: its format and a key picture."""

from __future__ import annotations

import asyncio
import ssl
from typing import Literal

from camward.base.clock import Clock
from camward.media.unit import AccessUnit, StreamFormat, Track
from camward.rtsp.aio.client import Credentials, RtspClient
from camward.rtsp.core.client_errors import UnreachableError


class _FirstPicture:
    """A sink that waits for a format and a key picture."""

    def __init__(self) -> None:
        self.form: StreamFormat | None = None
        self.picture: AccessUnit | None = None
        self.came: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_format(self, form: StreamFormat) -> None:
        """See `Sink`."""
        self.form = form

    def on_unit(self, unit: AccessUnit) -> None:
        """See `Sink`."""
        if unit.track is Track.VIDEO and self.picture is None:
            self.picture = unit
            self.came.set_result(None)

    def on_lost(self, reason: str) -> None:
        """See `Sink`."""


async def probe_picture(
    url: str,
    *,
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    clock: Clock,
    timeout: float = 15.0,  # noqa: ASYNC109 (the contract of this call)
    transport: Literal["tcp", "udp"] = "tcp",
    basic_allowed: bool = False,
) -> tuple[StreamFormat, AccessUnit]:
    """Connect, wait for the format and a key picture, disconnect.

    Raises:
        CamwardError: as for `RtspClient` and its `run`; `UnreachableError`: no picture came in time.
    """
    sink = _FirstPicture()
    client = RtspClient(
        url,
        sink,
        credentials=credentials,
        tls=tls,
        clock=clock,
        transport=transport,
        low_delay=True,
        basic_allowed=basic_allowed,
    )
    running = asyncio.ensure_future(client.run())
    try:
        await asyncio.wait([running, sink.came], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if sink.form is not None and sink.picture is not None:
            return sink.form, sink.picture
        if running.done():
            running.result()
        raise UnreachableError("No picture came in time", next="Look at the camera's settings for this stream")
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()


async def probe(
    url: str,
    *,
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    clock: Clock,
    timeout: float = 15.0,  # noqa: ASYNC109 (the contract of this call)
) -> StreamFormat:
    """The format of a stream, proved by a key picture. See `probe_picture`."""
    form, _ = await probe_picture(url, credentials=credentials, tls=tls, clock=clock, timeout=timeout)
    return form
