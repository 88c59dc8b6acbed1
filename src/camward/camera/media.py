"""The camera's media as the rest of the camera sees it: two hubs, snapshots, settings, status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from camward.base.clock import Clock
from camward.base.errors import CamwardError
from camward.base.events import Event, EventBus, EventKind
from camward.base.supervision import Backoff
from camward.camera.gate import Gate
from camward.camera.orders import Coding, Config, Drawing, KeyOrder, SmallOrder, SnapshotOrder
from camward.camera.settings import MediaSettings
from camward.camera.source_url import read_source
from camward.camera.status import MediaStatus
from camward.camera.wire import (
    STREAM1,
    STREAM2,
    AliveReport,
    FormatReport,
    LogReport,
    LostReport,
    Report,
    SnapshotReport,
    UnitReport,
    WireError,
)
from camward.camera.worker_process import COMMAND, WorkerEndedError, WorkerLimits, WorkerProcess
from camward.media.stream import MediaStream

log = structlog.get_logger(__name__)

GRACE = 2.0
"""Seconds that a dead worker's successor has before the streams say "no signal"."""
LINGER = 5.0
"""Seconds that stream 2 is still made after its last reader went."""
SNAPSHOT_SECONDS = 2.0
_STEP = 0.02
_NUMBERS = {"stream1": STREAM1, "stream2": STREAM2}


class NoPictureError(CamwardError):
    """There is no picture to take a snapshot of."""

    code = "NO-PICTURE"


class CameraMedia:
    """Owns the media worker and the two hubs; all calls are made on one event loop.

    Args:
        source: file:PATH, v4l2:/dev/videoN, rtsp(s)://…, test:
        settings: the settings in force.
        clock: the machine's, or a test's.
        events: where SIGNAL_LOST and SIGNAL_BACK go.
        command: starts the worker.
        limits: how long it may take.

    Raises:
        ConfigurationError: no source is written so.
    """

    def __init__(
        self,
        source: str,
        *,
        settings: Callable[[], MediaSettings],
        clock: Clock,
        events: EventBus,
        command: Sequence[str] = COMMAND,
        limits: WorkerLimits = WorkerLimits(),
    ) -> None:
        self._source = read_source(source)
        self._settings, self._clock, self._events = settings, clock, events
        self._command, self._limits = command, limits
        self._applied: MediaSettings | None = None
        self._epoch = clock.monotonic()
        self._worker: WorkerProcess | None = None
        self._restarts = -1
        self._alive = AliveReport(confined=False, controls=())
        self._small = False
        self._linger: asyncio.TimerHandle | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._signal: bool | None = None
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._shared: dict[str, tuple[int, asyncio.Future[bytes]]] = {}
        self._requests = 0
        first, second = MediaStream("stream1"), MediaStream("stream2", on_demand=self._on_demand)
        self.streams: Mapping[str, MediaStream] = {"stream1": first, "stream2": second}
        self._gates = {
            STREAM1: Gate(first, clock=clock, on_signal=self._on_signal),
            STREAM2: Gate(second, clock=clock, on_signal=lambda _signal, _reason: None),
        }

    async def run(self) -> None:
        """Keep a worker running until cancelled."""
        backoff = Backoff(first=0.1, most=10.0)
        try:
            while True:
                began = self._clock.monotonic()
                await self._one_worker()
                if self._clock.monotonic() - began > 30:
                    backoff.reset()
                await asyncio.sleep(backoff.delay())
        finally:
            for timer in (self._grace, self._linger):
                if timer is not None:
                    timer.cancel()
            self._grace = self._linger = None

    async def _one_worker(self) -> None:
        worker: WorkerProcess | None = None
        try:
            worker = await WorkerProcess.start(
                on_report=self._take, clock=self._clock, command=self._command, limits=self._limits
            )
            self._worker = worker
            self._restarts += 1
            worker.order(self._config())
            if self._small:
                worker.order(SmallOrder(on=True))
            await worker.watch()
        except (WorkerEndedError, OSError) as error:
            why = error.diagnostics() if isinstance(error, CamwardError) else str(error)
            log.warning("media_worker_ended", error=why)
            self._fail_soon(why)
        finally:
            self._worker = None
            for gate in self._gates.values():
                gate.restarted()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(NoPictureError("There is no snapshot", why="the media worker is restarting"))
            if worker is not None:
                await worker.end()

    def _fail_soon(self, why: str) -> None:
        if self._grace is None and self._gates[STREAM1].stream.no_signal is None:
            self._grace = asyncio.get_running_loop().call_later(GRACE, self._lost, why)
        elif self._gates[STREAM1].stream.no_signal is not None:
            self._lost(why)

    def _lost(self, why: str) -> None:
        self._grace = None
        for gate in self._gates.values():
            gate.lost(why)

    def _config(self) -> Config:
        self._applied = settings = self._settings()
        wide, _, high = settings.source.capture.partition("x")
        source = replace(
            self._source,
            capture=(int(wide), int(high)),
            transport=settings.source.transport,
            fingerprint=settings.source.fingerprint.lower(),
        )
        first, second, overlay = settings.stream1, settings.stream2, settings.overlay
        return Config(
            source,
            Coding(first.bitrate, first.frame_rate, first.key_seconds, first.audio),
            Coding(second.bitrate, second.frame_rate, second.key_seconds, second.audio, second.width),
            Drawing(
                settings.source.brightness,
                settings.source.contrast,
                settings.source.saturation,
                overlay.text,
                overlay.time,
                overlay.corner.value,
                tuple((zone.left, zone.top, zone.width, zone.height) for zone in settings.privacy.zones),
            ),
            self._epoch,
            max(gate.used_seconds for gate in self._gates.values()) + _STEP,
        )

    def apply(self, settings: MediaSettings) -> None:
        """Use these settings from the next picture on; what did not change goes on without a gap."""
        if settings == self._applied:
            return
        self._settings = lambda: settings
        if self._worker is not None:
            self._worker.order(self._config())

    def request_key(self, stream: str = "stream1") -> None:
        """Ask for a key picture soon; of no effect on pictures that pass through."""
        if self._worker is not None:
            self._worker.order(KeyOrder(_NUMBERS[stream]))

    async def snapshot(self, stream: str = "stream1") -> bytes:
        """The newest picture as a JPEG; requests at the same time share one answer.

        Raises:
            NoPictureError: no signal, or it took too long.
        """
        hub = self.streams.get(stream)
        if hub is None:
            raise NoPictureError("There is no snapshot", why=f"there is no stream {stream[:40]!r}")
        if hub.no_signal is not None or self._worker is None:
            why = hub.no_signal.reason if hub.no_signal else "the media worker is restarting"
            raise NoPictureError("There is no snapshot", why=f"no signal: {why}")
        if stream not in self._shared:
            self._requests = (self._requests + 1) & 0xFFFF_FFFF
            answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._answers[self._requests] = answer
            self._shared[stream] = self._requests, answer
            self._worker.order(SnapshotOrder(self._requests, _NUMBERS[stream]))
        request, answer = self._shared[stream]
        try:
            async with asyncio.timeout(SNAPSHOT_SECONDS):
                return await asyncio.shield(answer)
        except TimeoutError:
            why = f"the picture was not ready after {SNAPSHOT_SECONDS:.0f} s"
            raise NoPictureError("There is no snapshot", why=why) from None
        finally:
            self._answers.pop(request, None)
            if self._shared.get(stream, (0,))[0] == request:
                del self._shared[stream]

    @property
    def status(self) -> MediaStatus:
        """How things stand now."""
        return MediaStatus(
            source=self._source.url,
            streams={gate.stream.name: gate.status() for gate in self._gates.values()},
            controls=self._alive.controls,
            worker_pid=self._worker.pid if self._worker else 0,
            worker_restarts=max(0, self._restarts),
            confined=self._alive.confined,
        )

    def _take(self, report: Report) -> None:
        """Act on a report. Raises `WireError` when the worker must be ended."""
        match report:
            case UnitReport(streams, unit):
                if streams & STREAM1:
                    self._gates[STREAM1].take_unit(unit)
                if streams & STREAM2 and self._small:
                    self._gates[STREAM2].take_unit(unit)
            case FormatReport(stream, form, why):
                if stream == STREAM1 and self._grace is not None:
                    self._grace.cancel()
                    self._grace = None
                if stream == STREAM2 and form.video.codec != "h264":
                    raise WireError("Stream 2 must be H.264")
                self._gates[stream].take_format(report)
                log.info("stream_format", stream=stream, codec=form.video.codec, why=why)
            case LostReport(reason):
                self._lost(reason)
            case SnapshotReport(request, jpeg, reason):
                self._answer(request, jpeg, reason)
            case AliveReport():
                self._alive = report
            case LogReport(text):
                log.info("media_worker_said", text=text)

    def _answer(self, request: int, jpeg: bytes, reason: str) -> None:
        answer = self._answers.get(request)
        if answer is None or answer.done():
            return
        if jpeg:
            answer.set_result(jpeg)
        else:
            answer.set_exception(NoPictureError("There is no snapshot", why=reason))

    def _on_signal(self, signal: bool, reason: str) -> None:  # noqa: FBT001 (a callback)
        if signal == self._signal or (signal and self._signal is None):
            self._signal = signal
            return
        self._signal = signal
        kind, text = EventKind.SIGNAL_BACK, "The picture is back."
        if not signal:
            kind, text = EventKind.SIGNAL_LOST, f"There is no picture: {reason}"
        self._events.publish(Event(kind, self._clock.utc(), text, alarm=not signal))

    def _on_demand(self, wanted: bool) -> None:  # noqa: FBT001 (a callback)
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not wanted:
            self._linger = asyncio.get_running_loop().call_later(LINGER, self._stop_small)
        elif not self._small:
            self._small = True
            if self._worker is not None:
                self._worker.order(SmallOrder(on=True))

    def _stop_small(self) -> None:
        self._linger = None
        self._small = False
        if self._worker is not None:
            self._worker.order(SmallOrder(on=False))
        self._gates[STREAM2].idle()
