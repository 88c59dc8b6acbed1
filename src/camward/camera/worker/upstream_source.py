"""An existing camera, fetched by RTSP: its coded pictures go on untouched, its G.711 sound becomes AAC."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from dataclasses import replace
from fractions import Fraction
from typing import Literal

from camward.base.clock import Clock
from camward.camera.orders import SourceOrder
from camward.camera.worker.inband import with_parameter_sets
from camward.camera.worker.stage import SourceError, SourceForm, Stage
from camward.camera.worker.timeline import Run, Timeline
from camward.media.unit import VIDEO_CLOCK, AccessUnit, Flags, StreamFormat, Track
from camward.rtsp.aio.client import Credentials, RtspClient

_G711_RATE = 8000


class UpstreamSource:
    """One connection to a camera; `SourceThread` tries again."""

    def __init__(self, order: SourceOrder, *, timeline: Timeline, clock: Clock) -> None:
        self._order, self._timeline, self._clock = order, timeline, clock

    def run(self, stage: Stage, stop: threading.Event) -> None:
        """See `Source.run`."""
        asyncio.run(self._run(stage, stop))

    async def _run(self, stage: Stage, stop: threading.Event) -> None:
        order = self._order
        sink = _Sink(stage, self._timeline)
        credentials = Credentials(order.username, order.password) if order.username else None
        transport: Literal["tcp", "udp"] = "udp" if order.transport == "udp" else "tcp"
        client = RtspClient(
            order.url, sink, credentials=credentials, tls=self._tls(), clock=self._clock, transport=transport,
            low_delay=True,
        )  # fmt: skip
        fetching = asyncio.create_task(client.run())
        stopping = asyncio.create_task(_until(stop))
        try:
            await asyncio.wait((fetching, stopping), return_when=asyncio.FIRST_COMPLETED)
            if fetching.done():
                await fetching
                raise SourceError(sink.reason or "The camera ended the stream")
        finally:
            for task in (fetching, stopping):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    def _tls(self) -> ssl.SSLContext | None:
        if not self._order.url.startswith("rtsps:"):
            return None
        from camward.trust.pins import Pin  # only where TLS is spoken
        from camward.trust.tls import ca_client_context, client_context

        if self._order.fingerprint:
            return client_context(Pin.of_certificate(bytes.fromhex(self._order.fingerprint)), self._clock)
        return ca_client_context()


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():  # noqa: ASYNC110 (another thread sets it)
        await asyncio.sleep(0.1)


class _Sink:
    """Takes what the client gives; its times are put onto our line."""

    def __init__(self, stage: Stage, timeline: Timeline) -> None:
        self._stage, self._timeline = stage, timeline
        self._run: Run | None = None
        self._zero = Fraction(0)
        self._form: StreamFormat | None = None
        self.reason = ""

    def on_format(self, form: StreamFormat) -> None:
        """The camera's form, first or new."""
        if self._form is not None and form != self._form:
            self._stage.on_lost("The camera changed the form of its stream")
        self._form = form
        self._stage.on_form(SourceForm(form.video, form.audio))

    def on_unit(self, unit: AccessUnit) -> None:
        """A picture or a sound, its time in the camera's own ticks."""
        form = self._form
        if form is None or unit.track is Track.METADATA:
            return
        rate = VIDEO_CLOCK
        if unit.track is Track.AUDIO:
            if form.audio is None:
                return
            rate = form.audio.clock_rate
        at = Fraction(unit.ticks, rate)
        if self._run is None or (unit.flags & Flags.DISCONTINUITY and abs(self._ahead(at)) > 1):
            if unit.track is not Track.VIDEO or not unit.key:
                return
            self._run, self._zero = self._timeline.start(), at
        if at < self._zero:
            return
        ticks, _ = self._run.stamp(at - self._zero, rate)
        data = unit.data
        if unit.track is Track.VIDEO and unit.key:
            data = with_parameter_sets(form.video.codec, form.video.parameter_sets, data)
        self._stage.on_unit(replace(unit, ticks=ticks, data=data))

    def _ahead(self, at: Fraction) -> Fraction:
        """How far the camera's time has run away from ours."""
        assert self._run is not None
        return self._run.begin + at - self._zero - self._timeline.now()

    def on_lost(self, reason: str) -> None:
        """The connection is no more; the run ends with its own error."""
        self.reason = reason
