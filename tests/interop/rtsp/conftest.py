"""A server of ours on a real door, fed with real clips as a source would feed it."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from camward.access import Access, Device, HashCost, Scope
from camward.access.settings import AccessSettings
from camward.base.clock import NS, SystemClock, Utc
from camward.door.acceptor import Door, Listener
from camward.journal import Journal
from camward.media.mp4.reader import Mp4File
from camward.media.nal import join_length_prefixed
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.aio.server import PLAIN_REFUSED, RtspServer, RtspServerLimits


@dataclass(frozen=True)
class Footage:
    """A clip as access units, parameter sets in band ahead of key pictures as our encoder sends them."""

    path: Path
    form: StreamFormat
    units: tuple[AccessUnit, ...]

    @property
    def pictures(self) -> tuple[AccessUnit, ...]:
        return tuple(unit for unit in self.units if unit.track is Track.VIDEO)

    @property
    def frames(self) -> tuple[AccessUnit, ...]:
        return tuple(unit for unit in self.units if unit.track is Track.AUDIO)


def read_footage(path: Path, *, seconds: float) -> Footage:
    """The start of a clip, in decoding order."""
    data = path.read_bytes()
    file = Mp4File.scan(data)
    forms = {track.track_id: track for track in file.tracks if track.form is not None}
    video = next(track.form for track in forms.values() if isinstance(track.form, VideoFormat))
    audio = next((track.form for track in forms.values() if isinstance(track.form, AudioFormat)), None)
    units, start = [], SystemClock().utc()
    for sample in file.samples():
        track = forms[sample.track_id]
        at = sample.presented / track.timescale
        if sample.decode_time / track.timescale >= seconds:
            continue
        shown = isinstance(track.form, VideoFormat)
        content = bytes(file.read(sample))
        if shown and sample.key:
            content = join_length_prefixed(video.parameter_sets) + content
        ticks = round(at * track.form.clock_rate)
        flags = Flags.KEY if sample.key or not shown else Flags.NONE
        kind = Track.VIDEO if shown else Track.AUDIO
        units.append(
            (sample.decode_time / track.timescale, AccessUnit(kind, ticks, Utc(start + round(at * NS)), content, flags))
        )
    units.sort(key=lambda pair: pair[0])
    return Footage(path, StreamFormat(video, audio), tuple(unit for _, unit in units))


@dataclass
class Served:
    """A running server.

    Args:
        secret: of the client "player".
    """

    server: RtspServer
    stream: MediaStream
    door: Door
    access: Access
    secret: str
    settings: dict[str, bool] = field(default_factory=dict)

    def url(
        self, scheme: str = "rtsp", *, path: str = "stream1", secret: str | None = None, host: str = "127.0.0.1"
    ) -> str:
        return f"{scheme}://player:{secret or self.secret}@{host}:{self.door.port('RTSP')}/{path}"

    async def feed(self, clip: Footage, *, speed: float = 4.0, loops: int = 1) -> None:
        """Publish a clip, paced by its own times; later loops go on in time."""
        loop, length = asyncio.get_running_loop(), {}
        for track in (Track.VIDEO, Track.AUDIO):
            units = [unit for unit in clip.units if unit.track is track]
            if units:
                length[track] = units[-1].ticks + units[1].ticks - units[0].ticks
        began, first = loop.time(), clip.units[0].utc
        for turn in range(loops):
            for unit in clip.units:
                shift = turn * length[unit.track]
                rate = 90_000 if unit.track is Track.VIDEO else clip.form.audio.clock_rate
                at = (unit.utc - first) / NS + shift / rate
                if (wait := began + at / speed - loop.time()) > 0:
                    await asyncio.sleep(wait)
                utc = Utc(unit.utc + shift * NS // rate)
                self.stream.publish(AccessUnit(unit.track, unit.ticks + shift, utc, unit.data, unit.flags))

    async def until_playing(self, count: int = 1) -> None:
        async with asyncio.timeout(15):
            while sum(info.playing for info in self.server.sessions) < count:
                await asyncio.sleep(0.01)

    async def until_idle(self) -> None:
        async with asyncio.timeout(15):
            while self.server.connections:
                await asyncio.sleep(0.01)


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(tmp_path: Path, throwaway_tls: ssl.SSLContext) -> Serve:
    """Start a server: `async with serve(clip, plain=True) as served`."""

    @contextlib.asynccontextmanager
    async def start(
        form: StreamFormat | None, *, plain: bool = True, limits: RtspServerLimits = RtspServerLimits()
    ) -> AsyncIterator[Served]:
        clock, settings = SystemClock(), {"plain": plain}
        journal = Journal(tmp_path / "journal", clock)
        access = Access(
            tmp_path,
            device=Device.CAMERA,
            clock=clock,
            journal=journal,
            settings=AccessSettings,
            fingerprint=bytes(32),
            cost=HashCost(memory=64, passes=1),
        )
        secret = await access.clients.add("player", Scope.STREAMS, by="test")
        stream = MediaStream("stream1")
        if form is not None:
            stream.set_format(form)
        server = RtspServer(
            stream={"stream1": stream}.get, access=access, clock=clock, plain=lambda: settings["plain"], limits=limits
        )
        listener = Listener(
            name="RTSP",
            host="127.0.0.1",
            port=0,
            protocol=server.protocol,
            tls=throwaway_tls,
            plain=lambda: settings["plain"],
            plain_refusal=PLAIN_REFUSED,
        )
        door = Door([listener])
        door.open()
        serving = asyncio.create_task(door.serve())
        try:
            yield Served(server, stream, door, access, secret.reveal(), settings)
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            await server.close()
            access.close()
            journal.close()

    return start


@contextlib.asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A peer's process, killed in the end."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def run() -> Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]:
    """Start a peer: `async with run("ffmpeg", …) as process`."""
    return running


@pytest.fixture(scope="session")
def car_park(footage: Path) -> Footage:
    """Real pedestrians, H.264, 6 s."""
    return read_footage(footage / "car-park.mp4", seconds=6)


@pytest.fixture(scope="session")
def cup(footage: Path) -> Footage:
    """A real clip with H.264 and AAC, 6 s."""
    return read_footage(footage / "cup-with-audio.mp4", seconds=6)


@pytest.fixture(scope="session")
def pedestrians_h265(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Footage:
    """The real pedestrians coded as H.265, 4 s."""
    path = tmp_path_factory.mktemp("h265") / "clip.mp4"
    options = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=20:bframes=0"]
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(footage / "car-park.mp4"), "-t", "4", "-an"]
        + [*options, str(path)],
        check=True,
    )
    return read_footage(path, seconds=4)


@pytest.fixture(scope="session")
def ca_file(throwaway_ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The throwaway CA as players want it."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    throwaway_ca.cert_pem.write_to_path(str(path))
    yield path
