"""An existing camera to be secured, played by gst-rtsp-server: its pictures pass untouched, its G.711 becomes AAC."""

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from camward.media import codec
from camward.media.nal import split_annexb
from camward.media.unit import VIDEO_CLOCK, Track

from .conftest import decode, nals_of, run

SCRIPT = Path(__file__).parent / "gst_camera.py"


@asynccontextmanager
async def upstream(path: Path, *, port: int = 0, user: str = "", password: str = ""):
    server = await asyncio.create_subprocess_exec(
        *("/usr/bin/python3", str(SCRIPT), str(path), str(port), user, password),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield int(await asyncio.wait_for(server.stdout.readline(), 15))
    finally:
        server.kill()
        await server.wait()
        server._transport.close()


def slices(nals) -> list[bytes]:
    return [bytes(nal) for nal in nals if codec.is_slice("h264", nal)]


async def test_pictures_pass_untouched_and_g711_becomes_aac(camera, footage):
    path = footage / "car-park.mp4"
    data = run(
        *("ffmpeg", "-v", "fatal", "-i", path, "-map", "0:v", "-c", "copy"),
        *("-bsf:v", "h264_mp4toannexb", "-f", "h264", "-"),
    )
    expected = slices(split_annexb(data))
    async with (
        upstream(path, user="admin", password="pa:ss/word") as port,
        camera(f"rtsp://admin:pa%3Ass%2Fword@127.0.0.1:{port}/cam") as running,
    ):
        assert "word" not in running.media.status.source
        reader = running.reader()
        units = await running.take(reader, pictures=25)
        stream = running.media.streams["stream1"]
        if stream.format.audio is None:
            await running.until(lambda: stream.format.audio is not None)
        units += await running.take(reader, pictures=25)
        assert stream.format.audio.codec == "aac" and stream.format.audio.sample_rate == 8000
        assert running.media.status.streams["stream1"].passthrough
        second = await running.take(running.reader("stream2"), pictures=3)
        assert await running.media.snapshot()
    pictures = [unit for unit in units if unit.track is Track.VIDEO]
    got = [nal for unit in pictures for nal in slices(nals_of(unit))]
    assert all(nal in expected for nal in got)
    ticks = [unit.ticks for unit in pictures]
    assert ticks == sorted(set(ticks))
    sounds = [unit for unit in units if unit.track is Track.AUDIO]
    assert len(sounds) > 10
    assert [b.ticks - a.ticks for a, b in pairwise(sounds)].count(1024) >= len(sounds) - 3
    offsets = [unit.utc / 1e9 - unit.ticks / (VIDEO_CLOCK if unit.track is Track.VIDEO else 8000) for unit in units]
    assert max(offsets) - min(offsets) < 1.0
    assert decode(second)[0].width == 640


async def test_a_camera_that_goes_away_and_comes_back(camera, footage):
    path = footage / "car-park.mp4"
    async with upstream(path) as port:
        context = camera(f"rtsp://127.0.0.1:{port}/cam")
        running = await context.__aenter__()
        reader = running.reader()
        before = await running.take(reader, pictures=3)
    try:
        stream = running.media.streams["stream1"]
        await running.until(lambda: not running.signal())
        assert "camera" in stream.no_signal.reason.lower()
        async with upstream(path, port=port):
            await running.until(running.signal)
            after = [unit for unit in await running.take(reader, pictures=8) if unit.track is Track.VIDEO]
            assert after[-1].ticks > before[-1].ticks
            assert running.media.status.worker_restarts == 0
    finally:
        await context.__aexit__(None, None, None)


async def test_a_refusal_is_told(camera, footage):
    async with (
        upstream(footage / "car-park.mp4", user="admin", password="right") as port,
        camera(f"rtsp://admin:wrong@127.0.0.1:{port}/cam") as running,
    ):
        stream = running.media.streams["stream1"]
        await running.until(lambda: stream.no_signal.reason not in ("", "not started yet"))
        reason = stream.no_signal.reason
    assert "wrong" not in reason and reason
