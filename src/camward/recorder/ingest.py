"""One stream of one camera: kept connected for ever, into its hub and into recordings. No thread, one task."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from camward.base.clock import NS, Clock, Utc
from camward.base.errors import CamwardError, NotPermittedError, NotReachableError
from camward.base.secret import Secret
from camward.base.supervision import Backoff
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, StreamFormat, Track
from camward.recorder.segmenter import Segmenter
from camward.recorder.settings import CameraEntry
from camward.recorder.status import CameraState, StreamStatus
from camward.rtsp.aio.client import Credentials, Sink
from camward.trust import Pin, ca_client_context, client_context

log = structlog.get_logger(__name__)

PICTURE_WAIT = 10.0
"""Seconds after which a connected stream without a key picture counts as "no signal"."""

STEADY = 30.0
"""Seconds of pictures after which a loss is tried again at once."""

REFUSED_WAIT = 30.0
"""Seconds between tries of a camera that refuses us: it counts them, and locks us out."""


class Client(Protocol):
    """`RtspClient`, as far as it is used here."""

    async def run(self) -> None:
        """One connection."""
        ...

    def set_low_delay(self, on: bool) -> None:  # noqa: FBT001 (one argument, named by the method)
        """Prefer delay over CPU time, or the reverse."""
        ...


class ClientFactory(Protocol):
    """Makes a client for one connection; `RtspClient` is one."""

    def __call__(
        self,
        url: str,
        sink: Sink,
        *,
        credentials: Credentials | None,
        tls: ssl.SSLContext | None,
        clock: Clock,
        transport: Literal["tcp", "udp"] = "tcp",
        low_delay: bool = False,
        basic_allowed: bool = False,
    ) -> Client:
        """See `RtspClient`."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stream is and how to get it."""

    url: str
    credentials: Credentials | None
    pin: bytes | None
    transport: Literal["tcp", "udp"]

    @property
    def plain(self) -> bool:
        """Whether its pictures cross the network without encryption."""
        return not self.url.startswith("rtsps:")

    def tls(self, clock: Clock) -> ssl.SSLContext | None:
        """For its connections: held to the pin, or to the machine's root certificates."""
        if self.plain:
            return None
        return client_context(Pin.of_certificate(self.pin), clock) if self.pin else ca_client_context()


def source_of(entry: CameraEntry, password: Secret[str] | None, url: str) -> Source:
    """Of one of a camera's two streams."""
    credentials = Credentials(entry.username, password or Secret("")) if entry.username else None
    return Source(url, credentials, bytes.fromhex(entry.pin) if entry.pin else None, entry.transport)


class Ingest:
    """Receives one stream for as long as `run` runs.

    Args:
        name: "stream1" or "stream2".
        source: where it is.
        hub: what live pages read.
        segmenter: what is recorded; None: nothing.
        clock: the clocks.
        client_factory: makes the client.
        on_state: told of each change of `state`.
        on_format: told of each format.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        *,
        hub: MediaStream,
        segmenter: Segmenter | None,
        clock: Clock,
        client_factory: ClientFactory,
        on_state: Callable[[Ingest], None],
        on_format: Callable[[StreamFormat], None] = lambda _: None,
    ) -> None:
        self.name, self.source, self.hub, self.segmenter = name, source, hub, segmenter
        self._clock, self._client_factory = clock, client_factory
        self._on_state, self._on_format = on_state, on_format
        self.state, self.since, self.reason = CameraState.CONNECTING, clock.utc(), ""
        self.next_try: Utc | None = None
        self.delay: float | None = None
        self.losses = 0
        self._client: Client | None = None
        self._form: StreamFormat | None = None
        self._low_delay = False
        self._bytes = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=6)
        self._picture = False
        self._steady = False
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Until cancelled; what was received is handed to the disk then."""
        backoff = Backoff()
        try:
            while True:
                await self._connect()
                if self._steady:
                    backoff.reset()
                wait = backoff.delay()
                if self.state is CameraState.REFUSED:
                    wait = max(wait, REFUSED_WAIT)
                self.next_try = Utc(self._clock.utc() + round(wait * NS))
                await asyncio.sleep(wait)
                self.next_try = None
        finally:
            self._lose("The recorder let go of the stream")

    async def _connect(self) -> None:
        """One connection, from beginning to end."""
        source, self._steady = self.source, False
        state, reason = CameraState.UNREACHABLE, "The camera ended the connection"
        try:
            client = self._client = self._client_factory(
                source.url,
                self,
                credentials=source.credentials,
                tls=source.tls(self._clock),
                clock=self._clock,
                transport=source.transport,
                low_delay=self._low_delay,
                basic_allowed=not source.plain,
            )
            await client.run()
        except NotPermittedError as error:
            state, reason = CameraState.REFUSED, error.diagnostics()
        except NotReachableError as error:
            reason = error.diagnostics()
        except CamwardError as error:
            state, reason = CameraState.NO_SIGNAL, error.diagnostics()
        except OSError as error:
            reason = str(error)
        finally:
            self._client = None
        self._lose(reason)
        self._set(state, reason)

    def set_low_delay(self, on: bool) -> None:  # noqa: FBT001 (one argument, named by the method)
        """Somebody watches, or nobody does any more."""
        self._low_delay = on
        if self._client is not None:
            self._client.set_low_delay(on)

    def on_format(self, form: StreamFormat) -> None:
        """See `Sink`."""
        self._form = form
        self.hub.set_format(form)
        if self.segmenter is not None:
            self.segmenter.format(form)
        self._on_format(form)
        self._wait_for_picture()

    def on_unit(self, unit: AccessUnit) -> None:
        """See `Sink`; called for every picture of every camera."""
        self._bytes += len(unit.data)
        if unit.track is Track.VIDEO and unit.key:
            self.delay = (self._clock.utc() - unit.utc) / NS
            if not self._picture:
                self._first_picture()
        self.hub.publish(unit)
        if self.segmenter is not None:
            self.segmenter.take(unit)

    def on_lost(self, reason: str) -> None:
        """See `Sink`: some pictures are missing, the stream goes on at the next key picture."""
        self.losses += 1

    def sample(self) -> None:
        """Note how much came so far; called once a second."""
        self._samples.append((self._clock.monotonic(), self._bytes))

    def status(self, recorded_until: Utc | None) -> StreamStatus:
        """What is known of the stream now."""
        form = self.hub.format.video if self.hub.format and self.hub.no_signal is None else None
        kbits = 0.0
        if len(self._samples) > 1:
            (begin, before), (end, after) = self._samples[0], self._samples[-1]
            kbits = (after - before) / 125 / max(end - begin, 0.001)
        return StreamStatus(
            name=self.name,
            codec=form.codec if form else "",
            width=form.width if form else 0,
            height=form.height if form else 0,
            kbits=kbits,
            delay=self.delay if self._picture else None,
            last_picture=self.hub.last.utc if self.hub.last else None,
            recorded_until=recorded_until,
        )

    def _first_picture(self) -> None:
        if self.hub.no_signal is not None and self._form is not None:
            self.hub.set_format(self._form)
        self._picture, self._began = True, self._clock.monotonic()
        self._cancel_timer()
        self._set(CameraState.RECORDING, "")

    def _wait_for_picture(self) -> None:
        if not self._picture and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PICTURE_WAIT, self._no_picture)

    def _no_picture(self) -> None:
        self._timer = None
        reason = "The camera is connected, but sends no picture"
        self._lose(reason)
        self._set(CameraState.NO_SIGNAL, reason)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _lose(self, reason: str) -> None:
        """There is nothing more to come for now."""
        self._cancel_timer()
        if self._picture:
            self._steady = self._clock.monotonic() - self._began > STEADY
        self._picture = False
        self.hub.set_no_signal(since=self._clock.utc(), reason=reason)
        if self.segmenter is not None:
            self.segmenter.end()
        self.delay = None

    def _set(self, state: CameraState, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            if state is not self.state:
                self.since = self._clock.utc()
            self.state, self.reason = state, reason
            self._on_state(self)
