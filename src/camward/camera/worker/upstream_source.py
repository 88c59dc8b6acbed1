"""An existing camera, fetched by RTSP: its coded pictures go on untouched, its G.711 sound becomes AAC."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from camward.base.clock import NS, Clock, Utc
from camward.camera.orders import SourceOrder
from camward.camera.worker.inband import with_parameter_sets
from camward.camera.worker.stage import SourceError, SourceForm, Stage
from camward.camera.worker.timeline import Run, Timeline
from camward.media.unit import VIDEO_CLOCK, AccessUnit, Flags, StreamFormat, Track
from camward.rtsp.aio.client import Credentials, RawAudio, RtspClient

_G711_RATE = 8000

if TYPE_CHECKING:
    from camward.camera.worker.g711_sound import G711Coder

_RUN_AWAY = 1
"""Seconds by which a camera's time may differ from ours when it goes on after a loss."""


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
            low_delay=True, on_raw_audio=sink.on_raw_audio,
        )  # fmt: skip
        fetching = asyncio.create_task(client.run())
        stopping = asyncio.create_task(_until(stop))
        try:
            await asyncio.wait((fetching, stopping), return_when=asyncio.FIRST_COMPLETED)
            if fetching.done():
                await fetching
                raise SourceError("The camera ended the stream")
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
        self._told: SourceForm | None = None
        self._seen: tuple[Utc, Fraction] | None = None
        self._sound: G711Coder | None = None

    def on_format(self, form: StreamFormat) -> None:
        """The camera's form, first or new; told on at the next key picture."""
        self._form = form

    def on_lost(self, reason: str) -> None:
        """Packets were lost; units say so themselves."""

    def on_unit(self, unit: AccessUnit) -> None:
        """A picture or a sound, its time in the camera's own ticks."""
        form = self._form
        if form is None or unit.track is Track.METADATA:
            return
        rate = VIDEO_CLOCK if unit.track is Track.VIDEO or form.audio is None else form.audio.clock_rate
        at = Fraction(unit.ticks, rate)
        key = unit.track is Track.VIDEO and unit.key
        if self._run is None or (unit.flags & Flags.DISCONTINUITY and abs(self._ahead(at)) > _RUN_AWAY):
            if not key:
                return
            self._run, self._zero = self._timeline.start(), at
        if at < self._zero:
            return
        if key:
            self._tell(form)
        ticks, _ = self._run.stamp(at - self._zero, rate)
        data = unit.data
        if unit.track is Track.VIDEO:
            self._seen = unit.utc, at - self._zero
            if key:
                data = with_parameter_sets(form.video.codec, form.video.parameter_sets, data)
        elif self._told is None or self._told.audio != form.audio:
            return
        self._stage.on_unit(replace(unit, ticks=ticks, data=data))

    def _tell(self, form: StreamFormat) -> None:
        told = SourceForm(form.video, self._sound.form if self._sound else form.audio)
        if told == self._told:
            return
        if self._told is not None and self._told.video != told.video:
            self._stage.on_lost("The camera changed the form of its stream")
        self._told = told
        self._stage.on_form(told)

    def _ahead(self, at: Fraction) -> Fraction:
        """How far the camera's time has run away from ours."""
        assert self._run is not None
        return self._run.begin + at - self._zero - self._timeline.now()

    def on_raw_audio(self, raw: RawAudio) -> None:
        """G.711, which browsers can't play; it comes with UTC, as the pictures do."""
        if self._sound is None:
            from camward.camera.worker.g711_sound import G711Coder  # loads FFmpeg, which most cameras do without

            self._sound = G711Coder(raw.sample_rate)
        if self._run is None or self._seen is None or self._told is None or self._told.audio != self._sound.form:
            return
        utc, offset = self._seen
        at = offset + Fraction(raw.utc - utc, NS)
        for data, begin in self._sound.code(raw.encoding, raw.data, at):
            if begin >= 0:
                ticks, heard = self._run.stamp(begin, self._sound.form.clock_rate)
                self._stage.on_unit(AccessUnit(Track.AUDIO, ticks, heard, data, Flags.KEY))
