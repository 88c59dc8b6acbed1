"""Streams as a camera sends them, a store without a thread, and disks that fail."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camward.base.clock import NS, ManualClock, Utc
from camward.base.fanout import FanOut
from camward.media.mp4.origin import Origin
from camward.media.nal import join_length_prefixed
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.recorder.files import DiskFiles, Space
from camward.recorder.segment import SegmentRow
from camward.recorder.segment_store import SegmentStore
from camward.recorder.segmenter import Segmenter, SegmenterLimits

SPS = bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658")
PPS = bytes.fromhex("68ebe3cb22c0")
START = 1_760_000_000 * NS
VIDEO = StreamFormat(VideoFormat("h264", 1920, 1080, (SPS, PPS), 25.0))
SOUND = StreamFormat(VIDEO.video, AudioFormat("aac", 48_000, 2, bytes.fromhex("1190")))


def make_pictures(
    seconds: float,
    *,
    gop: float = 2.0,
    rate: int = 25,
    start: int = 900_000,
    utc: int = START,
    size: int = 400,
    sound: bool = False,
    seed: int = 0,
) -> Iterator[AccessUnit]:
    """Pictures (and sounds) in the order in which they come; their bytes tell them apart."""
    heard = 0
    for number in range(round(seconds * rate)):
        ticks = start + number * 90_000 // rate
        at = Utc(utc + number * NS // rate)
        while sound and heard * 1024 / 48_000 <= number / rate:
            tone = b"sound" + (seed + heard).to_bytes(4, "big")
            yield AccessUnit(Track.AUDIO, start * 8 // 15 + heard * 1024, at, tone, Flags.KEY)
            heard += 1
        key = number % round(gop * rate) == 0
        slices = [SPS, PPS, b"\x65\x88"] if key else [b"\x41\x9a"]
        slices[-1] += ((seed + number).to_bytes(4, "big").replace(b"\0", b"\x01") + b"picture!") * (size // 12)
        yield AccessUnit(Track.VIDEO, ticks, at, join_length_prefixed(slices), Flags.KEY if key else Flags.NONE)


@pytest.fixture(scope="session")
def pictures() -> Callable[..., Iterator[AccessUnit]]:
    """See `make_pictures`."""
    return make_pictures


@dataclass
class Kept:
    """A sink that keeps what it is given, as files would be."""

    accept: bool = True
    open: bool = True
    files: dict[str, list] = field(default_factory=dict)
    fragments: dict[str, list] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def ready(self) -> bool:
        return self.open

    def append(self, segment, fragment) -> bool:
        if not self.accept:
            return False
        data = self.files.setdefault(segment.path, [segment.writer.header()])
        data.append(b"".join(fragment.chunks))
        self.fragments.setdefault(segment.path, []).append(fragment)
        return True

    def finish(self, segment) -> None:
        self.finished.append(segment.path)

    def bytes_of(self, path: str) -> bytes:
        return b"".join(self.files[path])


@pytest.fixture
def kept() -> Kept:
    return Kept()


class Cutter:
    """A segmenter with its origin, into a sink."""

    def __init__(self, sink, *, camera="front", stream="stream1", epoch=1, before=None, **limits) -> None:
        self.jumps: list[float] = []
        self.sequence = 0
        self.camera, self.stream, self.epoch = camera, stream, epoch
        self.segmenter = Segmenter(
            begin=self.origin, sink=sink, limits=SegmenterLimits(**limits), on_jump=self.jumps.append, before=before
        )

    def origin(self, first_utc: Utc) -> Origin:
        self.sequence += 1
        return Origin(self.camera, "R1", self.epoch, self.sequence, first_utc, self.stream)

    def feed(self, units, *, form=VIDEO, end: bool = True) -> None:
        self.segmenter.format(form)
        for unit in units:
            self.segmenter.take(unit)
        if end:
            self.segmenter.end()


@pytest.fixture(scope="session")
def cutter() -> type[Cutter]:
    return Cutter


@dataclass
class FailingFiles(DiskFiles):
    """A disk that fills up, breaks or hangs when told to.

    Args:
        room: bytes left; None: plenty.
        broken: error number of each flush.
    """

    room: int | None = None
    broken: int = 0
    flushed: int = 0

    def append(self, descriptor, chunks) -> None:
        size = sum(map(len, chunks))
        if self.room is not None and size > self.room:
            part = b"".join(bytes(chunk) for chunk in chunks)[: self.room]
            os.write(descriptor, part)
            self.room = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(descriptor, chunks)
        if self.room is not None:
            self.room -= size

    def flush(self, descriptor) -> None:
        if self.broken:
            raise OSError(self.broken, os.strerror(self.broken))
        super().flush(descriptor)
        self.flushed += 1

    def remove(self, path) -> None:
        if self.room is not None and path.exists():
            self.room += path.stat().st_size
        super().remove(path)

    def space(self, path) -> Space:
        return Space(1 << 40, 1 << 39) if self.room is None else Space(1 << 30, self.room)


@pytest.fixture
def failing_files() -> FailingFiles:
    return FailingFiles()


@dataclass
class DirectSink:
    """A store without a thread: a round for each fragment."""

    store: SegmentStore
    acknowledged: dict[str, SegmentRow] = field(default_factory=dict)
    on_flush: Callable[[], None] = lambda: None

    def ready(self) -> bool:
        return True

    def append(self, segment, fragment) -> bool:
        self.store.append(segment, fragment)
        self._flush()
        return True

    def finish(self, segment) -> None:
        self.store.finish(segment)
        self._flush()

    def _flush(self) -> None:
        done = self.store.flush()
        assert not done.errors
        self.acknowledged.update((row.path, row) for row in done.rows)
        self.on_flush()


@pytest.fixture(scope="session")
def direct() -> type[DirectSink]:
    return DirectSink


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(utc=START + 3600 * NS)


@pytest.fixture
def events():
    """A bus, and the list of what it told."""
    bus, told = FanOut(), []

    class _Reader:
        def offer(self, item) -> None:
            told.append(item)

    bus.add(_Reader())
    return bus, told


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def video_form() -> StreamFormat:
    return VIDEO


@pytest.fixture(scope="session")
def sound_form() -> StreamFormat:
    return SOUND
