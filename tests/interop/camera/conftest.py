"""A camera's media on a real worker process, and what ffmpeg says of what comes out."""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest

from camward.base.clock import SystemClock
from camward.base.fanout import BoundedReader, FanOut
from camward.camera.media import CameraMedia
from camward.camera.settings import MediaSettings
from camward.media.nal import iter_length_prefixed, join_annexb
from camward.media.stream import bounded_reader
from camward.media.unit import AccessUnit, Track


class Running:
    """A camera's media that runs, its readers and its events."""

    def __init__(self, media: CameraMedia, events: list) -> None:
        self.media, self.events = media, events

    def reader(self, stream: str = "stream1") -> BoundedReader[AccessUnit]:
        reader = bounded_reader(limit=64 * 1024 * 1024)
        self.media.streams[stream].add(reader)
        return reader

    async def take(self, reader, *, pictures: int, seconds: float = 20.0) -> list[AccessUnit]:
        """Units until that many pictures came."""
        found, count = [], 0
        async with asyncio.timeout(seconds):
            while count < pictures:
                unit = await reader.get()
                found.append(unit)
                count += unit.track is Track.VIDEO
        return found

    async def until(self, condition: Callable[[], bool], *, seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)

    def signal(self, stream: str = "stream1") -> bool:
        return self.media.streams[stream].no_signal is None


class _Events:
    def __init__(self) -> None:
        self.seen = []

    def offer(self, event) -> None:
        self.seen.append(event)


@pytest.fixture
def camera():
    """`async with camera(source, settings=...) as running:`."""

    @asynccontextmanager
    async def start(source: str | Path, *, settings: MediaSettings | None = None, **more):
        bus, events = FanOut(), _Events()
        bus.add(events)
        given = settings or MediaSettings()
        address = f"file:{source}" if isinstance(source, Path) else source
        media = CameraMedia(address, settings=lambda: given, clock=SystemClock(), events=bus, **more)
        task = asyncio.create_task(media.run())
        try:
            yield Running(media, events.seen)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return start


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """`clip(name, *ffmpeg arguments)` makes a file once."""
    folder = tmp_path_factory.mktemp("camera-clips")

    def make(name: str, *arguments: str) -> Path:
        path = folder / name
        if not path.exists():
            run("ffmpeg", "-v", "error", "-y", *arguments, path)
        return path

    return make


def run(*arguments, data: bytes | None = None) -> bytes:
    """A program's output; it must succeed without complaint."""
    done = subprocess.run([str(one) for one in arguments], input=data, capture_output=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def nals_of(unit: AccessUnit) -> list[bytes]:
    return [bytes(nal) for nal in iter_length_prefixed(unit.data)]


def annexb_of(units: list[AccessUnit]) -> bytes:
    return b"".join(join_annexb(nals_of(unit)) for unit in units if unit.track is Track.VIDEO)


def decode(units: list[AccessUnit], codec: str = "h264") -> list[av.VideoFrame]:
    """Every picture, decoded by PyAV's FFmpeg."""
    context = av.CodecContext.create({"h265": "hevc"}.get(codec, codec), "r")
    pictures = []
    for unit in units:
        if unit.track is Track.VIDEO:
            pictures += context.decode(av.Packet(join_annexb(nals_of(unit))))
    return pictures + context.decode(None)


def luma(picture: av.VideoFrame, x: int, y: int) -> int:
    plane = picture.planes[0]
    return memoryview(plane)[y * plane.line_size + x]


def area(picture: av.VideoFrame, index: int, box: tuple[int, int, int, int]) -> list[int]:
    """All samples of a plane within left, top, right, bottom."""
    plane = picture.planes[index]
    view, line = memoryview(plane), plane.line_size
    left, top, right, bottom = box
    return [value for y in range(top, bottom) for value in view[y * line + left : y * line + right]]
