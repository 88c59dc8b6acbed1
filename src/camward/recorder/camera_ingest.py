"""One camera: its main stream always, its second one while somebody watches it or while it must be recorded too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from camward.base.clock import Clock, Utc
from camward.base.events import Event, EventBus, EventKind
from camward.base.supervision import keep_running
from camward.media.stream import MediaStream
from camward.media.unit import StreamFormat
from camward.recorder.ingest import ClientFactory, Ingest, Source
from camward.recorder.segmenter import Segmenter
from camward.recorder.status import CameraState, CameraStatus, SpanState

LINGER = 10.0
"""Seconds that stream 2 stays connected after its last viewer."""

ALARM_AFTER = 10.0
"""Seconds without a picture after which people are told."""

STREAMS = ("stream1", "stream2")

OutageNote = Callable[[str, str, SpanState | None, str], None]
"""Camera, stream, why nothing is recorded (None: it is again), one sentence."""


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """What a camera's ingest is made from; another plan means another ingest."""

    name: str
    enabled: bool
    segment_seconds: int
    streams: dict[str, Source] = field(hash=False)


class CameraIngest:
    """Connects to one camera for as long as `run` runs.

    Args:
        camera_id: its id.
        plan: where its streams are.
        hubs: "stream1" and "stream2", which outlive this.
        segmenter: makes what cuts a stream into recordings.
        clock: the clocks.
        events: told of losses that last.
        client_factory: makes clients.
        note: told why nothing is recorded.
    """

    def __init__(
        self,
        camera_id: str,
        plan: CameraPlan,
        *,
        hubs: dict[str, MediaStream],
        segmenter: Callable[[str], Segmenter],
        clock: Clock,
        events: EventBus,
        client_factory: ClientFactory,
        note: OutageNote,
    ) -> None:
        self.camera_id, self.plan, self._hubs = camera_id, plan, hubs
        self._segmenter, self._clock, self._events = segmenter, clock, events
        self._client_factory, self._note = client_factory, note
        self._ingests: dict[str, Ingest] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._group: asyncio.TaskGroup | None = None
        self._recorded = {"stream1"}
        self._outages: dict[str, tuple[SpanState, str]] = {}
        self._alarmed: EventKind | None = None
        self._began = clock.utc()

    async def run(self) -> None:
        """Until cancelled."""
        if not self.plan.enabled:
            self._off()
            await asyncio.Event().wait()
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start("stream1")
                for name in STREAMS:
                    if self._hubs[name].readers:
                        self.watch(name, on=True)
                await asyncio.Event().wait()
        finally:
            self._group = None
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()

    def watch(self, name: str, on: bool) -> None:  # noqa: FBT001 (from the hub's callback)
        """The first viewer of a stream came, or the last one went."""
        timer = self._timers.pop(f"watch {name}", None)
        if timer is not None:
            timer.cancel()
        if name == "stream1":
            if name in self._ingests:
                self._ingests[name].set_low_delay(on)
        elif on:
            self._start(name)
        elif name not in self._recorded:
            self._later(f"watch {name}", LINGER, lambda: self._stop(name))

    def sample(self) -> None:
        """Once a second: note how much came."""
        for ingest in self._ingests.values():
            ingest.sample()

    def status(self, recorded_until: Callable[[str], Utc | None]) -> CameraStatus:
        """How things stand."""
        main = self._ingests.get("stream1")
        if not self.plan.enabled or main is None:
            state = CameraState.CONNECTING if self.plan.enabled else CameraState.OFF
            since, reason, next_try = self._began, "", None
        else:
            state, since, reason, next_try = main.state, main.since, main.reason, main.next_try
        streams = tuple(ingest.status(recorded_until(name)) for name, ingest in self._ingests.items())
        plain = any(source.plain for source in self.plan.streams.values())
        return CameraStatus(self.camera_id, self.plan.name, state, since, reason, next_try, plain, streams)

    def _start(self, name: str) -> None:
        source = self.plan.streams.get(name)
        if source is None:
            self._hubs[name].set_no_signal(since=self._clock.utc(), reason="This camera has no second stream")
            return
        if name in self._tasks or self._group is None:
            return
        ingest = Ingest(
            name,
            source,
            hub=self._hubs[name],
            segmenter=self._segmenter(name) if name in self._recorded else None,
            clock=self._clock,
            client_factory=self._client_factory,
            on_state=self._changed,
            on_format=self._format if name == "stream1" else lambda _: None,
        )
        self._ingests[name] = ingest
        if name == "stream1" and self._hubs[name].readers:
            ingest.set_low_delay(True)
        self._tasks[name] = self._group.create_task(keep_running(f"{self.camera_id} {name}", ingest.run))

    def _stop(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
        self._ingests.pop(name, None)

    def _format(self, form: StreamFormat) -> None:
        """Browsers without H.265 must be able to play every recording: then stream 2 is recorded too."""
        wanted = form.video.codec == "h265" and "stream2" in self.plan.streams
        if wanted == ("stream2" in self._recorded):
            return
        (self._recorded.add if wanted else self._recorded.discard)("stream2")
        self._stop("stream2")
        if wanted or self._hubs["stream2"].readers:
            self._start("stream2")

    def _changed(self, ingest: Ingest) -> None:
        """A stream's state changed: note it for the timeline, and tell people if it stays so."""
        if ingest.name in self._recorded:
            self._note_outage(ingest)
        if ingest.name == "stream1":
            self._later("alarm", ALARM_AFTER, lambda: self._alarm(ingest))
            if ingest.state is CameraState.RECORDING:
                self._all_well()

    def _note_outage(self, ingest: Ingest) -> None:
        known = self._outages.get(ingest.name)
        if ingest.state is CameraState.RECORDING:
            if self._outages.pop(ingest.name, None):
                self._note(self.camera_id, ingest.name, None, "")
            return
        if ingest.state is CameraState.CONNECTING:
            return
        state = SpanState.CAMERA_OFF if ingest.state is CameraState.NO_SIGNAL else SpanState.NETWORK
        if known is None or known[0] is not state:
            self._outages[ingest.name] = state, ingest.reason
            self._note(self.camera_id, ingest.name, state, ingest.reason)

    def _alarm(self, ingest: Ingest) -> None:
        if ingest.state in (CameraState.RECORDING, CameraState.CONNECTING):
            return
        kind = EventKind.SIGNAL_LOST if ingest.state is CameraState.NO_SIGNAL else EventKind.CAMERA_UNREACHABLE
        if kind is not self._alarmed:
            self._alarmed = kind
            self._tell(kind, f"{self.plan.name}: no picture. {ingest.reason}", alarm=True)

    def _all_well(self) -> None:
        if self._alarmed is not None:
            back = EventKind.SIGNAL_BACK if self._alarmed is EventKind.SIGNAL_LOST else EventKind.CAMERA_BACK
            self._alarmed = None
            self._tell(back, f"{self.plan.name}: the picture is back")

    def _tell(self, kind: EventKind, text: str, *, alarm: bool = False) -> None:
        self._events.publish(Event(kind, self._clock.utc(), text, alarm=alarm, subject=self.camera_id))

    def _off(self) -> None:
        reason = "Recording is switched off for this camera"
        for hub in self._hubs.values():
            hub.set_no_signal(since=self._clock.utc(), reason=reason)
        self._note(self.camera_id, "stream1", SpanState.CAMERA_OFF, reason)

    def _later(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        timer = self._timers.get(name)
        if timer is not None:
            timer.cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, call)
