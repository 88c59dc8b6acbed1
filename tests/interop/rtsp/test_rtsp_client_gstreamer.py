"""Our client plays from gst-rtsp-server: bit for bit what is in the file, by TCP, UDP and TLS, with Digest."""

import asyncio
import contextlib
import hashlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from camward.base.clock import SystemClock
from camward.base.secret import Secret
from camward.media.mp4.reader import Mp4File
from camward.media.nal import iter_length_prefixed
from camward.media.unit import AccessUnit, AudioFormat, Flags, StreamFormat, Track, VideoFormat
from camward.rtsp.aio.client import (
    Credentials,
    EndedError,
    OtherDeviceError,
    RawAudio,
    RefusedByServerError,
    RtspClient,
)
from camward.trust import Pin, client_context

SITE = Path(__file__).parent / "gst_rtsp_site.py"
LOGIN = Credentials("viewer", Secret("seven words"))


@dataclass
class Kept:
    """A sink that keeps all."""

    forms: list[StreamFormat] = field(default_factory=list)
    units: list[AccessUnit] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    sounds: list[RawAudio] = field(default_factory=list)

    def on_format(self, form: StreamFormat) -> None:
        self.forms.append(form)

    def on_unit(self, unit: AccessUnit) -> None:
        self.units.append(unit)

    def on_lost(self, reason: str) -> None:
        self.losses.append(reason)

    @property
    def pictures(self) -> list[AccessUnit]:
        return [unit for unit in self.units if unit.track is Track.VIDEO]

    async def until(self, pictures: int) -> None:
        async with asyncio.timeout(30):
            while len(self.pictures) < pictures:
                await asyncio.sleep(0.02)


@dataclass
class Site:
    """A running gst-rtsp-server."""

    port: int
    process: asyncio.subprocess.Process

    def url(self, scheme: str = "rtsp") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/stream"

    async def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()


Serving = Callable[..., AbstractAsyncContextManager[Site]]


@contextlib.asynccontextmanager
async def site(*arguments: str) -> AsyncIterator[Site]:
    """Start a server."""
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", str(SITE), *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
        yield Site(port, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def playing(client: RtspClient) -> AsyncIterator[asyncio.Task[None]]:
    """Run a client, and stop it."""
    task = asyncio.create_task(client.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def coded_slices(units: list[bytes]) -> list[list[bytes]]:
    """The slices of each picture: gst's parser may add or drop other units, never touch these."""
    return [[bytes(nal) for nal in iter_length_prefixed(unit) if 1 <= nal[0] & 31 <= 5] for unit in units]


def samples(path: Path, kind: type) -> tuple[list[bytes], list[int]]:
    """Samples and presentation times of the video or audio track of a file."""
    file = Mp4File.scan(path.read_bytes())
    track = next(track for track in file.tracks if isinstance(track.form, kind))
    found = [sample for sample in file.samples() if sample.track_id == track.track_id]
    return [bytes(file.read(sample)) for sample in found], [sample.presented for sample in found]


def timescale(path: Path, kind: type) -> int:
    """Of a track of a file."""
    return next(t.timescale for t in Mp4File.scan(path.read_bytes()).tracks if isinstance(t.form, kind))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_pictures_and_sound_bit_for_bit_with_digest(footage: Path, transport: Any) -> None:
    clip, sink = footage / "cup-with-audio.mp4", Kept()
    async with site(str(clip), "--user", LOGIN.name, LOGIN.password.reveal()) as served:
        client = RtspClient(served.url(), sink, credentials=LOGIN, clock=SystemClock(), transport=transport)
        async with playing(client):
            await sink.until(120)
    assert not sink.losses
    (form,) = sink.forms
    assert form.audio is not None
    expected, times = samples(clip, VideoFormat)
    found = sink.pictures
    first = coded_slices(expected).index(coded_slices([found[0].data])[0])
    assert coded_slices([unit.data for unit in found]) == coded_slices(expected)[first : first + len(found)]
    assert found[0].flags == Flags.KEY | Flags.DISCONTINUITY
    scale = timescale(clip, VideoFormat)
    for unit, time in zip(found, times[first:], strict=False):
        assert abs((unit.ticks - found[0].ticks) / 90_000 - (time - times[first]) / scale) < 0.0001
    heard = [unit.data for unit in sink.units if unit.track is Track.AUDIO]
    frames, _ = samples(clip, AudioFormat)
    assert len(heard) > 100
    begin = frames.index(heard[0])
    assert heard == frames[begin : begin + len(heard)]


async def test_sound_and_picture_are_in_step(footage: Path) -> None:
    clip, sink = footage / "cup-with-audio.mp4", Kept()
    async with site(str(clip)) as served, playing(RtspClient(served.url(), sink, clock=SystemClock())):
        await sink.until(60)
    expected, shown = samples(clip, VideoFormat)
    frames, played = samples(clip, AudioFormat)
    picture = sink.pictures[0]
    sound = next(unit for unit in sink.units if unit.track is Track.AUDIO)
    form = sink.forms[0].audio
    assert form is not None
    number = coded_slices(expected).index(coded_slices([picture.data])[0])
    in_file = played[frames.index(sound.data)] / timescale(clip, AudioFormat) - shown[number] / timescale(
        clip, VideoFormat
    )
    assert abs(sound.ticks / form.clock_rate - picture.ticks / 90_000 - in_file) < 0.03


async def test_h265_bit_for_bit(pedestrians_h265: Any) -> None:
    sink = Kept()
    async with (
        site(str(pedestrians_h265.path), "--h265") as served,
        playing(RtspClient(served.url(), sink, clock=SystemClock())),
    ):
        await sink.until(30)

    def slices(unit: bytes) -> list[bytes]:
        return [bytes(nal) for nal in iter_length_prefixed(unit) if nal[0] >> 1 & 63 < 32]

    expected = [slices(unit.data) for unit in pedestrians_h265.pictures]
    found = [slices(unit.data) for unit in sink.pictures]
    first = expected.index(found[0])
    assert found == expected[first : first + len(found)]
    assert sink.forms[0].video == VideoFormat("h265", 768, 576, sink.forms[0].video.parameter_sets, 10.0)


async def test_g711_is_handed_on_or_left_out_with_a_note(footage: Path) -> None:
    sink, other = Kept(), Kept()
    async with site(str(footage / "car-park.mp4"), "--g711") as served:
        client = RtspClient(served.url(), sink, clock=SystemClock(), on_raw_audio=sink.sounds.append)
        async with playing(client):
            await sink.until(15)
        silent = RtspClient(served.url(), other, clock=SystemClock())
        async with playing(silent):
            await other.until(5)
    assert sum(len(sound.data) for sound in sink.sounds) > 4000
    assert {(sound.encoding, sound.sample_rate) for sound in sink.sounds} == {("PCMU", 8000)}
    assert sink.forms[0].audio is None
    assert any("PCMU" in note for note in silent.notes)


async def test_wrong_and_missing_passwords_are_refused(footage: Path) -> None:
    async with site(str(footage / "car-park.mp4"), "--user", LOGIN.name, LOGIN.password.reveal()) as served:
        for credentials in (Credentials("viewer", Secret("wrong")), None):
            with pytest.raises(RefusedByServerError) as caught:
                await RtspClient(served.url(), Kept(), credentials=credentials, clock=SystemClock()).run()
            assert caught.value.status == 401
        with pytest.raises(RefusedByServerError) as caught:
            url = served.url().replace("/stream", "/nothing")
            await RtspClient(url, Kept(), credentials=LOGIN, clock=SystemClock()).run()
        assert caught.value.status == 404


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A certificate with its key as gst wants it, and its fingerprint."""
    certificate = trustme.CA().issue_cert("127.0.0.1")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(certificate.cert_chain_pems[0].bytes() + certificate.private_key_pem.bytes())
    der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    return path, hashlib.sha256(der).digest()


async def test_tls_with_a_pin(footage: Path, pem: tuple[Path, bytes]) -> None:
    path, fingerprint = pem
    sink, clock = Kept(), SystemClock()
    user = ["--user", LOGIN.name, LOGIN.password.reveal()]
    async with site(str(footage / "car-park.mp4"), "--tls", str(path), *user) as served:
        context = client_context(Pin.of_certificate(fingerprint), clock)
        async with playing(RtspClient(served.url("rtsps"), sink, credentials=LOGIN, tls=context, clock=clock)):
            await sink.until(30)
        with pytest.raises(OtherDeviceError):
            other = client_context(Pin.of_certificate(bytes(32)), clock)
            await RtspClient(served.url("rtsps"), Kept(), tls=other, clock=clock).run()
        with pytest.raises(OtherDeviceError):  # no pin: the machine's roots don't know it
            await RtspClient(served.url("rtsps"), Kept(), clock=clock).run()
    expected, _ = samples(footage / "car-park.mp4", VideoFormat)
    assert coded_slices([unit.data for unit in sink.pictures])[:30] == coded_slices(expected)[:30]


async def test_the_end_of_the_file_is_an_end(footage: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.mp4"
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(footage / "car-park.mp4"), "-t", "2", "-c", "copy"]
    subprocess.run([*command, str(short)], check=True)
    sink = Kept()
    async with site(str(short)) as served:
        with pytest.raises(EndedError):
            async with asyncio.timeout(20):
                await RtspClient(served.url(), sink, clock=SystemClock()).run()
    expected, _ = samples(short, VideoFormat)
    assert len(sink.pictures) == len(expected)
