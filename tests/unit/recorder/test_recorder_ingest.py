"""The recorder around cameras that come, go, fall silent, refuse, and change; driven by simulated cameras."""

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
import pytest

from camward.base.clock import NS, SystemClock
from camward.base.errors import NotPermittedError, NotReachableError
from camward.base.events import EventKind
from camward.base.secret import Secret
from camward.base.setting import SettingsSection
from camward.base.settings_store import SettingsStore
from camward.media.codec import is_parameter_set
from camward.media.mp4.reader import Mp4File
from camward.media.nal import split_annexb
from camward.media.stream import bounded_reader
from camward.media.unit import StreamFormat, VideoFormat
from camward.recorder import (
    CameraEntry,
    CamerasSettings,
    ProbeError,
    ProbeStep,
    Recorder,
    RecordingSettings,
    camera_ingest,
    ingest,
)
from camward.recorder.errors import IndexFileError, RecorderBusyError, UnknownCameraError
from camward.recorder.reindex import check
from camward.recorder.status import CameraState, VolumeState
from camward.recorder.volume import VolumeLimits


class Tree(SettingsSection):
    recording: RecordingSettings = RecordingSettings()
    cameras: CamerasSettings = CamerasSettings()


@dataclass
class Site:
    """Cameras by address: what each one sends, or how it fails."""

    pictures: object
    form: StreamFormat
    failures: dict[str, Exception] = field(default_factory=dict)
    forms: dict[str, StreamFormat] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    running: dict[str, "Connection"] = field(default_factory=dict)
    tries: list[str] = field(default_factory=list)
    credentials: dict[str, object] = field(default_factory=dict)

    def __call__(self, url, sink, *, credentials, tls, clock, transport="tcp", low_delay=False, basic_allowed=False):
        return Connection(self, url, sink, clock, credentials, low_delay)


class Connection:
    """One connection to a simulated camera: ten times as fast as a real one."""

    def __init__(self, site, url, sink, clock, credentials, low_delay) -> None:
        self.site, self.url, self.sink, self.clock, self.low_delay = site, url, sink, clock, low_delay
        site.credentials[url] = credentials
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        self.site.tries.append(self.url)
        if self.url in self.site.failures:
            raise self.site.failures[self.url]
        self.site.running[self.url] = self
        sending = asyncio.ensure_future(self._send())
        try:
            await asyncio.wait({sending, self.failure}, return_when=asyncio.FIRST_COMPLETED)
            if self.failure.done():
                self.failure.result()
            sending.result()
        finally:
            self.site.running.pop(self.url, None)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending

    async def _send(self) -> None:
        self.sink.on_format(self.site.forms.get(self.url, self.site.form))
        if self.url in self.site.silent:
            await asyncio.Event().wait()
        began = self.clock.utc()
        for unit in self.site.pictures(3600, utc=began):
            self.sink.on_unit(replace(unit, utc=began + (unit.utc - began)))
            if unit.key:
                await asyncio.sleep(0.02)

    def set_low_delay(self, on: bool) -> None:
        self.low_delay = on

    def drop(self, error: Exception) -> None:
        self.failure.set_exception(error)


class Rig:
    """A recorder of a simulated site."""

    def __init__(self, state, site, events, **more) -> None:
        self.state, self.site = state, site
        self.clock = SystemClock()
        bus, self.told = events
        self.store = SettingsStore(Tree, state / "settings.toml", clock=self.clock, journal=lambda _: None)
        self.recorder = Recorder(
            state, settings=self.store, clock=self.clock, events=bus, recorder_id="R1", client_factory=site, **more
        )

    async def __aenter__(self) -> "Rig":
        self.task = asyncio.ensure_future(self.recorder.run())
        starting = asyncio.ensure_future(self.recorder.started.wait())
        await asyncio.wait({self.task, starting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        starting.cancel()
        if self.task.done():
            self.task.result()
        return self

    async def __aexit__(self, *_) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def add(self, name="Front", **more) -> str:
        entry = CameraEntry(name=name, url=f"rtsp://cam/{name}/stream1", **more)
        return await self.recorder.cameras.add(entry, None, who="anna")

    async def until(self, condition, seconds=10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.told]

    async def recorded(self, camera, stream="stream1", seconds=4.0) -> None:
        """Until so much was acknowledged since now."""
        archive = self.recorder._archive
        await self.until(lambda: archive.recorded_until(camera, stream) is not None)
        begin = archive.recorded_until(camera, stream)
        await self.until(lambda: archive.recorded_until(camera, stream) >= begin + seconds * NS)


@pytest.fixture
def site(pictures, video_form):
    return Site(pictures, video_form)


@pytest.fixture
def rig(tmp_path, site, events, monkeypatch):
    monkeypatch.setattr(camera_ingest, "ALARM_AFTER", 0.2)
    monkeypatch.setattr(camera_ingest, "LINGER", 0.1)
    monkeypatch.setattr(ingest, "PICTURE_WAIT", 0.3)
    monkeypatch.setattr(ingest, "REFUSED_WAIT", 0.2)
    return lambda **more: Rig(tmp_path, site, events, **more)


async def test_a_camera_is_recorded_shown_and_told_of(rig):
    async with rig() as one:
        camera = await one.add()
        await one.recorded(camera)
        status = one.recorder.status(camera)
        assert (status.state, status.reason, status.plain) == (CameraState.RECORDING, "", True)
        [stream] = status.streams
        assert (stream.name, stream.codec, stream.width, stream.height) == ("stream1", "h264", 1920, 1080)
        assert stream.recorded_until and stream.last_picture and stream.delay is not None
        assert one.recorder.statuses() == [one.recorder.status(camera)]
        reader = bounded_reader()
        one.recorder.live(camera).add(reader)
        assert (await reader.get()).key
        one.recorder.live(camera).remove(reader)
    report = check(one.state)
    assert report.ok and report.files == 1
    [path] = (one.state / "recordings").rglob("*.mp4")
    assert Mp4File.scan(path.read_bytes()).origin.epoch == 1


async def test_what_was_received_is_on_the_disk_when_it_stops(rig, site):
    async with rig() as one:
        camera = await one.add()
        await one.until(lambda: one.recorder.live(camera).last is not None)
        await one.recorded(camera)
    last = one.recorder.live(camera).last
    [path] = (one.state / "recordings").rglob("*.mp4")
    file = Mp4File.scan(path.read_bytes())
    assert file.read([sample for sample in file.samples() if sample.track_id == 1][-1]) == last.data


async def test_the_second_start_has_a_higher_epoch_and_both_play(rig):
    for _ in range(2):
        async with rig() as one:
            if not one.recorder.cameras.list():
                await one.add()
            await one.recorded("front")
    files = [Mp4File.scan(path.read_bytes()) for path in (one.state / "recordings").rglob("*.mp4")]
    assert sorted((file.origin.epoch, file.origin.sequence) for file in files) == [(1, 1), (2, 1)]
    async with rig() as one:
        now = one.clock.utc()
        spans = await one.recorder.spans("front", now - 60 * NS, now)
        assert "recorded" in {span.state.value for span in spans}


async def test_a_lost_camera_is_reconnected_told_and_explained(rig, site):
    async with rig() as one:
        camera = await one.add()
        await one.recorded(camera)
        site.failures["rtsp://cam/Front/stream1"] = NotReachableError("No answer", why="off")
        site.running["rtsp://cam/Front/stream1"].drop(NotReachableError("The connection broke"))
        await one.until(lambda: EventKind.CAMERA_UNREACHABLE in one.kinds())
        await one.until(lambda: "No answer" in one.recorder.status(camera).reason)
        assert one.recorder.status(camera).state is CameraState.UNREACHABLE
        assert one.recorder.live(camera).no_signal is not None
        lost = one.clock.utc()
        del site.failures["rtsp://cam/Front/stream1"]
        await one.until(lambda: EventKind.CAMERA_BACK in one.kinds())
        await one.recorded(camera)
        assert one.recorder.status(camera).state is CameraState.RECORDING
        assert one.recorder.live(camera).no_signal is None
        one.recorder._archive.writer.flush()
        [outage] = one.recorder._archive.reader.outages(camera, "stream1", from_utc=0, to_utc=1 << 62)
        assert outage.state == "network" and outage.from_utc < lost < outage.to_utc
    assert len(site.tries) >= 3


async def test_a_refusal_is_told_as_one(rig, site):
    site.failures["rtsp://cam/Front/stream1"] = NotPermittedError("The camera refused the password")
    async with rig() as one:
        camera = await one.add()
        await one.until(lambda: one.recorder.status(camera).state is CameraState.REFUSED)
        status = one.recorder.status(camera)
        assert "password" in status.reason and status.next_try > one.clock.utc()


async def test_a_camera_without_a_picture_has_no_signal(rig, site):
    site.silent.add("rtsp://cam/Front/stream1")
    async with rig() as one:
        camera = await one.add()
        await one.until(lambda: one.recorder.status(camera).state is CameraState.NO_SIGNAL)
        await one.until(lambda: EventKind.SIGNAL_LOST in one.kinds())
        assert one.recorder.live(camera).no_signal is not None
        site.silent.clear()
        site.running["rtsp://cam/Front/stream1"].drop(NotReachableError("The connection broke"))
        await one.until(lambda: {EventKind.SIGNAL_BACK, EventKind.CAMERA_BACK} & set(one.kinds()))
        await one.recorded(camera)


async def test_stream_2_is_connected_while_somebody_watches(rig, site):
    async with rig() as one:
        camera = await one.add(stream2_url="rtsp://cam/Front/stream2")
        await one.recorded(camera)
        assert set(site.running) == {"rtsp://cam/Front/stream1"}
        reader = bounded_reader()
        hub = one.recorder.live(camera, "stream2")
        hub.add(reader)
        assert (await reader.get()).key
        assert {stream.name for stream in one.recorder.status(camera).streams} == {"stream1", "stream2"}
        hub.remove(reader)
        await one.until(lambda: set(site.running) == {"rtsp://cam/Front/stream1"})
        assert not any("-s2" in path.name for path in (one.state / "recordings").rglob("*.mp4"))
        with pytest.raises(UnknownCameraError):
            one.recorder.live(camera, "stream3")
        with pytest.raises(UnknownCameraError):
            one.recorder.live("nobody")


async def test_viewers_of_the_main_stream_get_it_with_little_delay(rig, site):
    async with rig() as one:
        camera = await one.add()
        await one.recorded(camera)
        connection = site.running["rtsp://cam/Front/stream1"]
        assert not connection.low_delay
        reader = bounded_reader()
        one.recorder.live(camera).add(reader)
        assert connection.low_delay
        one.recorder.live(camera).remove(reader)
        assert not connection.low_delay


async def test_with_h265_stream_2_is_recorded_too(rig, site, video_form):
    site.forms["rtsp://cam/Front/stream1"] = StreamFormat(VideoFormat("h265", 1920, 1080, h265_sets(), 25.0))
    async with rig() as one:
        camera = await one.add(stream2_url="rtsp://cam/Front/stream2")
        await one.recorded(camera)
        await one.recorded(camera, "stream2")
    names = sorted(path.name.rpartition("-")[2] for path in (one.state / "recordings").rglob("*.mp4"))
    assert "s2.mp4" in names and len(names) == 2
    entries = {Mp4File.scan(path.read_bytes()).tracks[0].entry for path in (one.state / "recordings").rglob("*.mp4")}
    assert entries == {"hev1", "avc3"}


def h265_sets() -> tuple[bytes, ...]:
    """Parameter sets that x265 wrote."""
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = 320, 240, "yuv420p"
    context.options = {"x265-params": "log-level=none"}
    context.time_base = Fraction(1, 25)
    packets = [*context.encode(av.VideoFrame(320, 240, "yuv420p")), *context.encode(None)]
    return tuple(nal for nal in split_annexb(bytes(packets[0])) if is_parameter_set("h265", nal))


async def test_cameras_come_change_and_go_while_it_runs(rig, site):
    async with rig() as one:
        first = await one.add("A")
        await one.recorded(first)
        second = await one.add("B", username="u")
        await one.recorded(second)
        await one.recorder.cameras.change(second, {"url": "rtsp://cam/C/stream1"}, who="anna", password=Secret("pw"))
        await one.until(lambda: "rtsp://cam/C/stream1" in site.running)
        assert site.credentials["rtsp://cam/C/stream1"].password.reveal() == "pw"
        await one.recorder.cameras.change(first, {"enabled": False}, who="anna")
        await one.until(lambda: "rtsp://cam/A/stream1" not in site.running)
        assert one.recorder.status(first).state is CameraState.OFF
        hub = one.recorder.live(second)
        await one.recorder.cameras.remove(second, who="anna")
        await one.until(lambda: hub.no_signal and hub.no_signal.reason == "The camera was removed")
        assert not site.running
        with pytest.raises(UnknownCameraError):
            one.recorder.status(second)
    assert check(one.state).ok


async def test_nothing_is_saved_before_a_picture_came(rig, site):
    site.silent.add("rtsp://cam/Silent/stream1")
    site.failures["rtsp://cam/Shut/stream1"] = NotPermittedError("The camera refused the password")
    site.failures["rtsp://cam/Off/stream1"] = NotReachableError("No answer")
    async with rig() as one:
        for name, step in (("Shut", ProbeStep.SIGN_IN), ("Off", ProbeStep.ADDRESS)):
            with pytest.raises(ProbeError) as caught:
                await one.recorder.add_camera(entry(name), None, who="anna")
            assert caught.value.step is step
        with pytest.raises(ProbeError) as caught:
            await one.recorder.probe_stream("rtsp://cam/Silent/stream1", timeout=0.3)
        assert caught.value.step is ProbeStep.STREAM and "no picture" in caught.value.what
        assert one.recorder.cameras.list() == {}
        found = await one.recorder.probe_stream("rtsp://cam/Good/stream1")
        assert found.picture.key and found.format == site.form
        camera = await one.recorder.add_camera(entry("Good"), Secret("pw"), who="anna")
        await one.recorded(camera)


def entry(name) -> CameraEntry:
    return CameraEntry(name=name, url=f"rtsp://cam/{name}/stream1", username="u")


async def test_a_full_disk_is_told_shown_and_survived(rig, failing_files):
    limits = VolumeLimits(stop_below=0, resume_above=50_000, retry=0.05, check=0.02)
    failing_files.room = 300_000
    async with rig(files=failing_files, volume_limits=limits) as one:
        camera = await one.add()
        await one.recorded(camera)
        await one.until(lambda: EventKind.STORAGE_FULL in one.kinds())
        assert one.recorder.status(camera).state is CameraState.STORAGE
        assert (await one.recorder.storage()).state is VolumeState.FULL
        failing_files.room = 500_000_000
        await one.until(lambda: EventKind.STORAGE_BACK in one.kinds())
        await one.recorded(camera)
        assert one.recorder.status(camera).state is CameraState.RECORDING
    assert check(one.state).ok


async def test_only_one_recorder_per_state(rig):
    async with rig():
        with pytest.raises(RecorderBusyError):
            async with rig():
                pass


async def test_reading_needs_a_running_recorder(rig):
    one = rig()
    with pytest.raises(IndexFileError, match="starting or has stopped"):
        await one.recorder.spans("front", 0, 1)
    with pytest.raises(IndexFileError):
        await one.recorder.media("front", 0, 1)


async def test_a_damaged_index_is_rebuilt_beside_the_recording(rig):
    async with rig() as one:
        camera = await one.add()
        await one.recorded(camera)
        begin = one.clock.utc()
    for path in one.state.glob("index.sqlite*"):
        path.write_bytes(b"rubbish" * 1000)
    async with rig() as one:
        await one.recorded(camera)
        async with asyncio.timeout(10):
            while await one.recorder.edge(camera, begin - 60 * NS, begin, last=False) is None:
                await asyncio.sleep(0.05)
        assert (one.state / "damaged-index.sqlite").exists()


async def test_storage_is_reported(rig):
    async with rig() as one:
        camera = await one.add(keep_days=7)
        await one.recorded(camera)
        one.recorder._archive.writer.flush()
        report = await one.recorder.storage()
        [its] = report.cameras
        assert its.camera_id == camera and its.keep_days == 7
        assert report.used == its.size > 0 and report.free > 0 and report.reserve > 0
        pictures = await one.recorder.key_pictures(camera, its.oldest, its.newest)
        assert len(pictures) >= 2 and pictures[0] == its.oldest


async def test_a_new_password_alone_is_taken_up(rig, site):
    async with rig() as one:
        camera = await one.add(username="u")
        await one.recorded(camera)
        await one.recorder.cameras.change(camera, {}, who="anna", password=Secret("new"))
        url = "rtsp://cam/Front/stream1"
        await one.until(lambda: site.credentials[url].password == Secret("new") and url in site.running)
        await one.recorded(camera)


async def test_an_index_that_cannot_be_written_is_told_and_costs_no_picture(rig, monkeypatch):
    monkeypatch.setattr("camward.recorder.index.writer.HEARTBEAT", 0.05)
    async with rig() as one:
        camera = await one.add()
        await one.recorded(camera)
        writer = one.recorder._archive.writer
        writer._connection.execute("PRAGMA busy_timeout = 10")
        blocker = sqlite3.connect(one.state / "index.sqlite", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        await one.until(lambda: "index" in [event.subject for event in one.told])
        await one.recorded(camera)
        blocker.execute("ROLLBACK")
        blocker.close()
        await one.until(lambda: (EventKind.STORAGE_BACK, "index") in [(e.kind, e.subject) for e in one.told])
    assert check(one.state).ok
