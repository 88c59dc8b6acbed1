"""The recorder: any number of cameras in, files and an index out, and everything that pages ask about them."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Literal

import structlog

from camward.base.clock import NS, Clock, Utc
from camward.base.events import Event, EventBus, EventKind
from camward.base.secret import Secret
from camward.journal import Journal
from camward.media.stream import MediaStream
from camward.recorder.archive import Archive
from camward.recorder.camera_ingest import STREAMS, CameraIngest, CameraPlan
from camward.recorder.cameras import CameraBook, TreeStore
from camward.recorder.errors import ProbeError, ProbeStep, UnknownCameraError
from camward.recorder.files import DiskFiles, Files
from camward.recorder.ingest import ClientFactory, Source, source_of
from camward.recorder.pairing import ask_to_pair
from camward.recorder.pins import PinBook
from camward.recorder.playback import MediaRange, plan
from camward.recorder.probe import FoundStream, PeerAddress, find_stream, look_at
from camward.recorder.segmenter import Segmenter
from camward.recorder.settings import CameraEntry
from camward.recorder.state import RecorderFolder
from camward.recorder.status import CameraState, CameraStatus, Span, SpanState, StorageReport, VolumeState
from camward.recorder.timeline import join_ranges, known_reasons, lay_out
from camward.recorder.volume import VolumeLimits
from camward.rtsp.aio.client import Credentials, RtspClient

log = structlog.get_logger(__name__)

JUMP = 2 * NS
"""The wall clock may stray this far from the monotonic one within a second, before it counts as set."""


class Recorder:
    """One recorder. All calls are made on one event loop, but where said otherwise.

    Args:
        state: its folder.
        settings: the settings store; `recording` and `cameras` of its tree are the recorder's.
        clock: the clocks.
        events: told of what people should know.
        recorder_id: this device's serial number; it goes into each file.
        journal: told who added and removed what; None: nobody.
        client_factory: makes RTSP clients.
        files: the file system.
        volume_limits: when the disk counts as full or slow.

    Raises:
        RecorderError: the passwords or the pinned ranges on disk are damaged.
    """

    def __init__(
        self,
        state: Path,
        *,
        settings: TreeStore,
        clock: Clock,
        events: EventBus,
        recorder_id: str,
        journal: Journal | None = None,
        client_factory: ClientFactory = RtspClient,
        files: Files | None = None,
        volume_limits: VolumeLimits | None = None,
    ) -> None:
        self.folder = RecorderFolder(state)
        self.folder.prepare()
        self._settings, self._clock, self._events = settings, clock, events
        self._journal, self._client_factory, self._recorder_id = journal, client_factory, recorder_id
        self.cameras = CameraBook(settings, self.folder.secrets)
        self.cameras.on_password = self._settings_changed
        self.pins = PinBook(self.folder.pins, clock)
        self.started = asyncio.Event()
        self._archive = Archive(
            self.folder,
            settings=settings,
            pins=self.pins,
            clock=clock,
            recorder_id=recorder_id,
            files=files or DiskFiles(),
            limits=volume_limits,
            on_state=self._volume_changed,
            on_index=self._index_changed,
        )
        self._hubs: dict[str, dict[str, MediaStream]] = {}
        self._ingests: dict[str, CameraIngest] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._jumped = clock.monotonic() - 60
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Record until cancelled; what was received is flushed then.

        Raises:
            RecorderBusyError: another process records into this state.
            OSError: the state can't be used.
        """
        self._loop = asyncio.get_running_loop()
        with self.folder.locked():
            await asyncio.to_thread(self._archive.open)
            unsubscribe = self._settings.subscribe(self._settings_changed)
            try:
                async with asyncio.TaskGroup() as group:
                    self._reconcile(group)
                    self.started.set()
                    group.create_task(self._archive.look_after())
                    await self._tick(group)
            finally:
                self.started.clear()
                unsubscribe()
                await asyncio.to_thread(self._archive.close)

    def live(self, camera_id: str, stream: str = "stream1") -> MediaStream:
        """What a camera sends now. The second stream is connected once the first reader is added.

        Raises:
            UnknownCameraError: there is no such camera or stream.
        """
        self.cameras.get(camera_id)
        hubs = self._hubs_of(camera_id)
        if stream not in hubs:
            raise UnknownCameraError(f"{camera_id}/{stream}")
        return hubs[stream]

    def status(self, camera_id: str) -> CameraStatus:
        """How things stand with a camera.

        Raises:
            UnknownCameraError: there is none.
        """
        entry = self.cameras.get(camera_id)
        ingest = self._ingests.get(camera_id)
        if ingest is None:
            return CameraStatus(
                camera_id, entry.name, CameraState.CONNECTING, self._clock.utc(), "", None, plain=False, streams=()
            )
        found = ingest.status(lambda stream: self._archive.recorded_until(camera_id, stream))
        volume = self._archive.state
        if found.state is CameraState.RECORDING and volume in (VolumeState.FULL, VolumeState.FAILED):
            return CameraStatus(
                camera_id,
                found.name,
                CameraState.STORAGE,
                self._archive.state_since,
                self._archive.reason,
                None,
                plain=found.plain,
                streams=found.streams,
            )
        return found

    def statuses(self) -> list[CameraStatus]:
        """How things stand with each camera of the book."""
        return [self.status(camera_id) for camera_id in self.cameras.list()]

    async def spans(self, camera_id: str, from_utc: Utc, to_utc: Utc, *, stream: str = "stream1") -> list[Span]:
        """The whole range as spans, recorded or with the reason why not, without holes."""
        return await asyncio.to_thread(self._spans, camera_id, from_utc, to_utc, stream)

    async def edge(
        self, camera_id: str, from_utc: Utc, to_utc: Utc, *, last: bool, stream: str = "stream1"
    ) -> Span | None:
        """The part of a range where the recording begins, or where it ends; None when there is none."""
        found = await asyncio.to_thread(
            partial(self._archive.reader.edge, camera_id, stream, from_utc=from_utc, to_utc=to_utc, last=last)
        )
        if found is None:
            return None
        begin, end = Utc(max(found[0], from_utc)), Utc(min(found[1], to_utc))
        return Span(begin, end, SpanState.RECORDED)

    async def key_pictures(self, camera_id: str, from_utc: Utc, to_utc: Utc, *, stream: str = "stream1") -> list[Utc]:
        """When the recorded key pictures of a range were captured."""
        segments = await asyncio.to_thread(
            partial(self._archive.reader.segments, camera_id, stream, from_utc=from_utc, to_utc=to_utc)
        )
        found = {time for segment in segments for one in segment.fragments() for time in one.key_times}
        return sorted(time for time in found if from_utc <= time < to_utc)

    async def media(
        self, camera_id: str, from_utc: Utc, to_utc: Utc, *, stream: str = "stream1", one_init: bool = False
    ) -> MediaRange:
        """A range as fragmented MP4; see `playback`. `one_init`: as a file to keep.

        Raises:
            RecorderError: the range is too long.
        """
        return await asyncio.to_thread(
            partial(
                plan,
                self._archive.reader,
                self.folder.recordings,
                camera=camera_id,
                stream=stream,
                from_utc=from_utc,
                to_utc=to_utc,
                one_init=one_init,
            )
        )

    async def storage(self) -> StorageReport:
        """The disk, and what each camera's recordings take.

        Raises:
            OSError: the disk can't be asked.
        """
        return await asyncio.to_thread(self._archive.report)

    async def probe_address(self, url: str, *, timeout: float = 10.0) -> PeerAddress:  # noqa: ASYNC109 (likewise)
        """First step of adding a camera: is anybody there, and which certificate does it show?

        Raises:
            ProbeError: nobody, or not with TLS that we speak.
        """
        return await look_at(url, timeout=timeout)

    async def probe_stream(
        self,
        url: str,
        *,
        username: str = "",
        password: Secret[str] | None = None,
        pin: bytes | None = None,
        transport: Literal["tcp", "udp"] = "tcp",
        timeout: float = 20.0,  # noqa: ASYNC109 (a person waits for the answer)
    ) -> FoundStream:
        """Next steps: sign in, and wait for a picture. Nothing is saved.

        Raises:
            ProbeError: the certificate is another one, it refuses us, or no picture comes.
        """
        credentials = Credentials(username, password or Secret("")) if username else None
        source = Source(url, credentials, pin, transport)
        return await find_stream(source, clock=self._clock, client_factory=self._client_factory, timeout=timeout)

    async def add_camera(self, entry: CameraEntry, password: Secret[str] | None, *, who: str) -> str:
        """Try a camera, then put it into the book; returns its id. Nothing is saved before a picture came.

        Raises:
            ProbeError: a step failed.
            ConfigurationError: there are too many cameras.
        """
        pin = bytes.fromhex(entry.pin) if entry.pin else None
        await self.probe_stream(
            entry.url, username=entry.username, password=password, pin=pin, transport=entry.transport
        )
        camera_id = await self.cameras.add(entry, password, who=who)
        await self._record("camera_added", who=who, what=f"Camera {camera_id} was added", subject=camera_id)
        return camera_id

    async def pair(
        self,
        url: str,
        *,
        pin: bytes,
        proof: bytes,
        owner_key: bytes,
        recorder_certificate: bytes,
        name: str,
        who: str,
    ) -> str:
        """Pair with an unclaimed Camward camera, and record it; returns its id.

        Args:
            url: its HTTPS address.
            pin: fingerprint of its identity, as a person confirmed it.
            proof: HMAC over the claim code, made by the browser; the code never comes here.
            owner_key: DER (SPKI) of the owner's public key.
            recorder_certificate: DER of this recorder's identity.
            name: for people; empty: as the camera calls itself.
            who: for the journal.

        Raises:
            ProbeError: the camera is another one, is claimed, or refuses the proof.
        """
        paired = await ask_to_pair(
            url,
            pin=pin,
            proof=proof,
            owner_key=owner_key,
            recorder_certificate=recorder_certificate,
            recorder_name=f"recorder-{self._recorder_id}",
            clock=self._clock,
        )
        entry = CameraEntry(
            name=name or paired.device, url=paired.stream_url, username=paired.name, pin=pin.hex(), kind="camward"
        )
        try:
            return await self.add_camera(entry, paired.secret, who=who)
        except ProbeError as error:
            if error.step is not ProbeStep.STREAM:
                raise
            # The secret exists once: a camera that has no picture just now must not be lost with it.
            log.warning("camera_paired_without_picture", reason=error.what)
            return await self.cameras.add(entry, paired.secret, who=who)

    async def _record(self, kind: str, *, who: str, what: str, subject: str) -> None:
        if self._journal is not None:
            await self._journal.record(kind, who=who, what=what, details={"camera": subject})

    def _spans(self, camera_id: str, from_utc: Utc, to_utc: Utc, stream: str) -> list[Span]:
        reader, now = self._archive.reader, self._clock.utc()
        recorded = reader.ranges(camera_id, stream, from_utc=from_utc, to_utc=to_utc)
        outages = [
            *reader.outages("*", "*", from_utc=from_utc, to_utc=to_utc),
            *reader.outages(camera_id, stream, from_utc=from_utc, to_utc=to_utc),
        ]
        reasons = known_reasons(outages, reader.runs(), now=now)
        ends = max((end for _, end in join_ranges(recorded)), default=0)
        # The newest pictures are on their way to the disk: that is no gap.
        settled = max(ends, now - 5 * NS) if ends > now - 10 * NS else now
        return lay_out(recorded, reasons, from_utc=from_utc, to_utc=to_utc, now=settled)

    def _hubs_of(self, camera_id: str) -> dict[str, MediaStream]:
        if camera_id not in self._hubs:
            self._hubs[camera_id] = {
                name: MediaStream(name, on_demand=partial(self._watch, camera_id, name)) for name in STREAMS
            }
        return self._hubs[camera_id]

    def _watch(self, camera_id: str, stream: str, on: bool) -> None:  # noqa: FBT001 (the hub's callback)
        if camera_id in self._ingests:
            self._ingests[camera_id].watch(stream, on)

    def _settings_changed(self, *_: object) -> None:
        """Called in the changer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._archive.poke()
        self._changed.set()

    async def _tick(self, group: asyncio.TaskGroup) -> None:
        """Once a second: rates, the clock, and cameras that came or went."""
        utc, monotonic = self._clock.utc(), self._clock.monotonic()
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._changed.wait()
                self._changed.clear()
                self._reconcile(group)
            except TimeoutError:
                pass
            for ingest in self._ingests.values():
                ingest.sample()
            now, passed = self._clock.utc(), self._clock.monotonic() - monotonic
            strayed = now - utc - round(passed * NS)
            if abs(strayed) > JUMP:
                self._clock_jumped(strayed / NS, "")
            utc, monotonic = now, monotonic + passed

    def _reconcile(self, group: asyncio.TaskGroup) -> None:
        """Make the ingests those of the book."""
        wanted = {camera_id: self._plan(camera_id, entry) for camera_id, entry in self.cameras.list().items()}
        for camera_id in [one for one in self._ingests if self._ingests[one].plan != wanted.get(one)]:
            task = self._tasks.pop(camera_id)
            task.cancel()
            self._ingests.pop(camera_id)
            if camera_id not in wanted:
                # Only once it has ended: an ingest that ends says why by itself.
                task.add_done_callback(partial(self._removed, self._hubs.pop(camera_id, {})))
        for camera_id, camera_plan in wanted.items():
            if camera_id not in self._ingests:
                ingest = self._ingests[camera_id] = CameraIngest(
                    camera_id,
                    camera_plan,
                    hubs=self._hubs_of(camera_id),
                    segmenter=partial(self._segmenter, camera_id),
                    clock=self._clock,
                    events=self._events,
                    client_factory=self._client_factory,
                    note=self._archive.note,
                )
                self._tasks[camera_id] = group.create_task(ingest.run())

    def _removed(self, hubs: dict[str, MediaStream], _: asyncio.Task[None]) -> None:
        for hub in hubs.values():
            hub.set_no_signal(since=self._clock.utc(), reason="The camera was removed")

    def _plan(self, camera_id: str, entry: CameraEntry) -> CameraPlan:
        password = self.cameras.password(camera_id)
        urls = {"stream1": entry.url, "stream2": entry.second_url}
        seconds = self._settings.current.recording.segment_seconds
        sources = {name: source_of(entry, password, url) for name, url in urls.items() if url is not None}
        return CameraPlan(entry.name, entry.enabled, seconds, sources)

    def _segmenter(self, camera_id: str, stream: str) -> Segmenter:
        return self._archive.segmenter(
            camera_id, stream, on_jump=lambda seconds: self._clock_jumped(seconds, camera_id)
        )

    def _clock_jumped(self, seconds: float, camera_id: str) -> None:
        """Our own clock was set (no camera), or a camera's."""
        now = self._clock.monotonic()
        if not camera_id:
            self._jumped = now
            self._archive.clock_jumped()
        elif now - self._jumped < 60:
            return  # cameras without a clock of their own jump with ours
        whose = f"The clock of camera {camera_id}" if camera_id else "The recorder's clock"
        text = f"{whose} jumped by {seconds:+.1f} s; a new file was begun"
        details = {"seconds": f"{seconds:.3f}"}
        self._tell(Event(EventKind.CLOCK_JUMP, self._clock.utc(), text, subject=camera_id, details=details))

    def _volume_changed(self, state: VolumeState, reason: str) -> None:
        """Called in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_of_volume, state, reason)

    def _tell_of_volume(self, state: VolumeState, reason: str) -> None:
        now = self._clock.utc()
        if state is VolumeState.OK:
            self._archive.note("*", "*", None, "")
            self._tell(Event(EventKind.STORAGE_BACK, now, "The disk works again: recording goes on", subject="disk"))
            return
        self._archive.note("*", "*", SpanState.STORAGE, reason)
        kind = EventKind.STORAGE_FULL if state is VolumeState.FULL else EventKind.STORAGE_FAILED
        self._tell(Event(kind, now, reason, alarm=True, subject="disk", details={"state": state.value}))
        self._archive.poke()

    def _index_changed(self, reason: str | None) -> None:
        """Called in the index's thread: it can't be written, or can again (None). What is recorded stays recorded."""
        if reason is None:
            text, kind = "The index can be written again", EventKind.STORAGE_BACK
        else:
            text, kind = f"The index can't be written ({reason}); recording goes on", EventKind.STORAGE_FAILED
        event = Event(kind, self._clock.utc(), text, alarm=reason is not None, subject="index")
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: Event) -> None:
        log.warning("recorder_event", kind=event.kind.value, text=event.text)
        self._events.publish(event)
