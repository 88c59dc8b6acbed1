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

from camward.access import Access, Device, HashCost, NonceCounter, Scope, answer_challenge
from camward.access.settings import AccessSettings
from camward.base.clock import NS, SystemClock, Utc
from camward.base.secret import Secret
from camward.door.acceptor import Door, Listener
from camward.journal import Journal
from camward.media.mp4.reader import Mp4File
from camward.media.nal import join_length_prefixed
from camward.media.stream import MediaStream
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.aio.server import PLAIN_REFUSED, RtspServer, RtspServerLimits
from camward.rtsp.core.headers import Headers
from camward.rtsp.core.messages import Interleaved, MessageParser, Request, Response


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
    streams: dict[str, MediaStream] = field(default_factory=dict)

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
        streams = {"stream1": stream}
        server = RtspServer(
            stream=streams.get, access=access, clock=clock, plain=lambda: settings["plain"], limits=limits
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
            yield Served(server, stream, door, access, secret.reveal(), settings, streams)
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


class Player:
    """A client by hand: says what it is told, and shows what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: Served) -> None:
        self.reader, self.writer, self.served = reader, writer, served
        self.parser, self.cseq, self.session = MessageParser(), 0, ""
        self.frames: list[Interleaved] = []
        self.challenges: list[str] = []
        self.counter = NonceCounter()

    @property
    def base(self) -> str:
        return f"rtsp://127.0.0.1:{self.served.door.port('RTSP')}/stream1"

    async def next(self) -> Request | Response | Interleaved | None:
        """The next message; None at the end."""
        while (message := self.parser.next()) is None:
            async with asyncio.timeout(15):
                data = await self.reader.read(65536)
            if not data:
                return None
            self.parser.receive(data)
        return message

    async def answer(self) -> Response:
        """The next response; frames on the way are kept."""
        while not isinstance(message := await self.next(), Response):
            assert message is not None, "the server closed"
            self.frames.append(message)
        return message

    async def frame(self) -> Interleaved:
        """The next frame."""
        if self.frames:
            return self.frames.pop(0)
        message = await self.next()
        assert isinstance(message, Interleaved), message
        return message

    async def ask(
        self, method: str, uri: str = "", *fields: tuple[str, str], body: bytes = b"", login: bool = True
    ) -> Response:
        """Send a request, with credentials once there are challenges, and wait for its answer."""
        self.cseq += 1
        uri = uri or self.base
        headers = [("CSeq", str(self.cseq)), *fields]
        if self.session and not any(name == "Session" for name, _ in fields):
            headers.append(("Session", self.session))
        if login and self.challenges:
            secret = Secret(self.served.secret)
            value = answer_challenge(
                self.challenges,
                method=method,
                uri=uri,
                username="player",
                password=secret,
                body=body,
                counter=self.counter,
            )
            headers.append(("Authorization", value))
        self.writer.write(Request(method, uri, Headers(*headers), body).serialise())
        answer = await self.answer()
        assert answer.cseq == self.cseq
        if answer.status == 401 and login and not self.challenges:
            self.challenges = answer.headers.all("WWW-Authenticate")
            return await self.ask(method, uri, *fields, body=body)
        if method == "SETUP" and answer.status == 200:
            self.session = answer.headers.get("Session").partition(";")[0]
        return answer

    async def play(self, *, track: int = 0) -> Response:
        """DESCRIBE, SETUP of one track, PLAY."""
        assert (await self.ask("DESCRIBE")).status == 200
        way = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
        assert (await self.ask("SETUP", f"{self.base}/trackID={track}", way)).status == 200
        answer = await self.ask("PLAY", self.base, ("Range", "npt=0.000-"))
        assert answer.status == 200
        return answer

    async def closed(self) -> bool:
        """Whether the server ends the connection; what comes before is read off."""
        try:
            while await self.next() is not None:
                pass
        except ConnectionError:
            pass
        return True


Connect = Callable[..., AbstractAsyncContextManager[Player]]


@pytest.fixture
def connect(throwaway_ca: trustme.CA) -> Connect:
    """Connect by hand: `async with connect(served, tls=True) as player`."""

    @contextlib.asynccontextmanager
    async def start(served: Served, *, tls: bool = False) -> AsyncIterator[Player]:
        context = None
        if tls:
            context = ssl.create_default_context()
            throwaway_ca.configure_trust(context)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.door.port("RTSP"), ssl=context)
        try:
            yield Player(reader, writer, served)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    return start
