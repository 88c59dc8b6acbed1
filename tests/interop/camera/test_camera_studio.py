"""What is made here: stream 2, overlays, privacy zones, adjusted pictures, snapshots; decoded and looked at."""

import asyncio
import io
import statistics
import time
from itertools import pairwise

import pytest
from av.video.frame import PictureType
from PIL import Image

from camward.camera.media import LINGER, NoPictureError
from camward.camera.settings import (
    Corner,
    MediaSettings,
    OverlaySettings,
    PrivacySettings,
    SourceSettings,
    Stream2Settings,
    Zone,
)
from camward.media import h264
from camward.media.unit import VIDEO_CLOCK, Flags, Track

from .conftest import annexb_of, area, decode, luma, nals_of, run

ZONE = Zone(left=25.0, top=25.0, width=25.0, height=25.0)
MASKED = MediaSettings(privacy=PrivacySettings(zones=(ZONE,)))


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


def distance(one, other, box) -> float:
    """How far two pictures are apart, in luma, on average."""
    pairs = list(zip(area(one, 0, box), area(other, 0, box), strict=True))
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


def dark(picture, box) -> bool:
    """Nothing but black, in luma and chroma; coding may ripple a little."""
    left, top, right, bottom = box
    half = tuple(value // 2 for value in box)
    assert right > left and bottom > top
    chroma = area(picture, 1, half) + area(picture, 2, half)
    return max(area(picture, 0, box)) <= 24 and all(120 <= value <= 136 for value in chroma)


async def test_stream_2_is_small_h264_made_while_somebody_reads(camera, footage):
    async with camera(footage / "car-park.mp4") as running:
        await running.until(lambda: running.media.streams["stream2"].format is not None)
        form = running.media.streams["stream2"].format
        assert (form.video.codec, form.video.width, form.video.height) == ("h264", 640, 480)
        one = running.reader()
        await running.take(one, pictures=5)
        began = time.monotonic()
        reader = running.reader("stream2")
        units = await running.take(reader, pictures=1)
        assert time.monotonic() - began < 1.5
        units += await running.take(reader, pictures=24)
        full = await running.take(one, pictures=1)
        assert full[0].ticks > 0
    assert units[0].key and form.video.parameter_sets[0] in units[0].data
    assert run("ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-f", "null", "-", data=annexb_of(units)) == b""
    pictures = decode(units)
    assert len(pictures) == 25 and (pictures[0].width, pictures[0].height) == (640, 480)
    assert not any(picture.pict_type == PictureType.B for picture in pictures)
    for unit in units:
        assert sum(h264.is_slice(nal) for nal in nals_of(unit)) == 1
    keys = [unit.ticks for unit in units if unit.key]
    assert {b - a for a, b in pairwise(keys)} == {2 * VIDEO_CLOCK}


async def test_stream_2_joins_in_the_middle_of_a_very_long_group(camera, clip):
    picture = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=200:duration=20")
    path = clip("long.mp4", *picture, "-c:v", "libx264", "-preset", "ultrafast", "-g", "9999", "-pix_fmt", "yuv420p")
    async with camera(path) as running:
        main = await running.take(running.reader(), pictures=500)
        small = await running.take(running.reader("stream2"), pictures=3, seconds=3)
    assert small[0].key and small[0].ticks > main[-1].ticks - 90_000
    assert len(decode(small)) == 3


async def test_stream_2_obeys_its_settings_without_a_gap_in_stream_1(camera, footage):
    async with camera(footage / "cup-with-audio.mp4") as running:
        reader = running.reader()
        await running.take(reader, pictures=3)
        small = running.reader("stream2")
        units = await running.take(small, pictures=20)
        assert {unit.track for unit in units} == {Track.VIDEO, Track.AUDIO}
        running.media.apply(MediaSettings(stream2=Stream2Settings(width=320, frame_rate=5, audio=False)))
        await running.until(lambda: running.media.streams["stream2"].format.video.width == 320)
        again = running.reader("stream2")
        units = await running.take(again, pictures=8)
        assert all(unit.track is Track.VIDEO for unit in units)
        assert decode(units)[0].width == 320
        rate = 7 * VIDEO_CLOCK / (units[-1].ticks - units[0].ticks)
        assert 4 < rate < 6
        main = [unit for unit in await running.take(reader, pictures=60) if unit.track is Track.VIDEO]
        assert not any(unit.flags & Flags.DISCONTINUITY for unit in main)
        assert max(b.ticks - a.ticks for a, b in pairwise(main)) < VIDEO_CLOCK // 5
        assert reader.lost == 0


async def test_stream_2_stops_when_nobody_reads_and_starts_fresh(camera, footage, monkeypatch):
    monkeypatch.setattr("camward.camera.media.LINGER", 0.3)
    assert LINGER > 1
    async with camera(footage / "car-park.mp4") as running:
        reader = running.reader("stream2")
        first = await running.take(reader, pictures=3)
        running.media.streams["stream2"].remove(reader)
        await asyncio.sleep(0.8)
        assert running.media.status.streams["stream2"].frame_rate == 0
        assert not running.media.streams["stream2"]._group
        began = time.time_ns()
        later = await running.take(running.reader("stream2"), pictures=2)
    assert later[0].key and later[0].flags & Flags.DISCONTINUITY
    assert later[0].ticks > first[-1].ticks and later[0].utc > began - 300_000_000


async def test_an_overlay_is_drawn_and_coding_says_why(camera, footage):
    settings = MediaSettings(overlay=OverlaySettings(text="North gate", time=True, corner=Corner.BOTTOM_LEFT))
    async with camera(footage / "car-park.mp4") as plain:
        before = decode(await plain.take(plain.reader(), pictures=3))[0]
    async with camera(footage / "car-park.mp4", settings=settings) as running:
        units = await running.take(running.reader(), pictures=15)
        status = running.media.status.streams["stream1"]
    assert not status.passthrough and status.why == "an overlay is drawn"
    pictures = decode(units)
    box = (0, 576 - 20, 200, 576)
    bright = [value for value in area(pictures[0], 0, box) if value > 200]
    assert len(bright) > 60 and min(area(pictures[0], 0, box)) < 40
    # The rest of the picture is what it was, and the clock ticks.
    assert distance(pictures[0], before, (0, 0, 768, 400)) < 4
    assert area(pictures[0], 0, box) != area(pictures[-1], 0, box)


async def test_a_privacy_zone_hides_everywhere(camera, footage):
    async with camera(footage / "car-park.mp4", settings=MASKED) as running:
        one, two = running.reader(), running.reader("stream2")
        first = await running.take(one, pictures=12)
        second = await running.take(two, pictures=12)
        shots = [opened(await running.media.snapshot(stream)) for stream in ("stream1", "stream2")]
        assert running.media.status.streams["stream1"].why == "privacy zones are masked"
    for picture in decode(first):
        assert dark(picture, (192, 144, 384, 288))
    for picture in decode(second):
        assert dark(picture, (162, 122, 318, 238))
    assert luma(decode(first)[0], 600, 100) > 30
    for shot in shots:
        width, height = shot.size
        inside = shot.crop((width // 4 + 4, height // 4 + 4, width // 2 - 4, height // 2 - 4)).convert("L")
        assert inside.getextrema()[1] < 24
    assert [shot.size for shot in shots] == [(768, 576), (640, 480)]


async def test_a_zone_set_while_running_hides_from_the_next_picture_on(camera, footage):
    async with camera(footage / "car-park.mp4") as running:
        reader = running.reader()
        await running.take(reader, pictures=12)
        running.media.apply(MASKED)
        await running.until(lambda: not running.media.status.streams["stream1"].passthrough)
        late = running.reader()
        units = await running.take(late, pictures=6)
        assert all(dark(picture, (192, 144, 384, 288)) for picture in decode(units))
        # Every picture that any reader got after the change is masked too.
        old = await running.take(reader, pictures=10)
        begin = next(index for index, unit in enumerate(old) if unit.flags & Flags.DISCONTINUITY)
        assert all(dark(picture, (192, 144, 384, 288)) for picture in decode(old[begin:]))
        assert opened(await running.media.snapshot()).convert("L").getpixel((288, 216)) < 24
        # And back: pass-through begins at the next key picture of the source.
        running.media.apply(MediaSettings())
        await running.until(lambda: running.media.status.streams["stream1"].passthrough)
        units = await running.take(running.reader(), pictures=2)
        assert not dark(decode(units)[0], (192, 144, 384, 288))
        ticks = [unit.ticks for unit in old + units]
        assert ticks == sorted(ticks)


async def test_brightness_contrast_and_saturation_really_change_the_picture(camera):
    async def mean(**given):
        async with camera(
            "test:", settings=MediaSettings(source=SourceSettings(capture="640x480", **given))
        ) as running:
            picture = decode(await running.take(running.reader(), pictures=2))[0]
            await running.until(lambda: running.media.status.controls == ("brightness", "contrast", "saturation"))
        values = area(picture, 0, (0, 100, 640, 300))
        middle = sum(values) / len(values)
        spread = sum(abs(value - middle) for value in values) / len(values)
        colours = area(picture, 1, (0, 50, 320, 150))
        return middle, spread, sum(abs(value - 128) for value in colours) / len(colours)

    plain, bright, dim, flat, grey = await asyncio.gather(
        mean(), mean(brightness=70), mean(brightness=30), mean(contrast=30), mean(saturation=0)
    )
    assert dim[0] + 20 < plain[0] < bright[0] - 20
    assert flat[1] < plain[1] * 0.8
    assert grey[2] < 1.5 < plain[2]


async def test_another_capture_size_restarts_the_source_only(camera):
    async with camera("test:", settings=MediaSettings(source=SourceSettings(capture="640x480"))) as running:
        before = await running.take(running.reader(), pictures=3)
        pid = running.media.status.worker_pid
        running.media.apply(MediaSettings(source=SourceSettings(capture="800x600")))
        await running.until(lambda: running.media.streams["stream1"].format.video.width == 800)
        after = await running.take(running.reader(), pictures=3)
        assert decode(after)[0].height == 600 and after[0].ticks > before[-1].ticks
        assert running.media.status.worker_pid == pid


async def test_the_test_picture_moves_and_shows_the_time(camera):
    async with camera("test:") as running:
        units = await running.take(running.reader(), pictures=31)
        shot = opened(await running.media.snapshot())
    assert shot.size == (1280, 720)
    pictures = decode(units)
    assert (pictures[0].width, pictures[0].height) == (1280, 720)
    street = (0, 540, 1280, 640)
    assert distance(pictures[0], pictures[-1], street) > 1
    clock = (0, 0, 300, 30)
    assert max(area(pictures[0], 0, clock)) > 200
    assert area(pictures[0], 0, clock) != area(pictures[1], 0, clock)
    steps = [b.ticks - a.ticks for a, b in pairwise(units)]
    assert statistics.mode(steps) == 6000  # 15 a second; a machine that is too busy leaves pictures out
    assert all(step % 6000 == 0 for step in steps)


async def test_snapshots_of_a_source_that_passes_through(camera, footage, clip):
    async with camera(footage / "car-park.mp4") as running:
        await running.take(running.reader(), pictures=4)
        began = time.monotonic()
        shots = await asyncio.gather(*(running.media.snapshot() for _ in range(5)))
        assert time.monotonic() - began < 2
        assert opened(shots[0]).size == (768, 576) and len(set(shots)) == 1
        newer = await running.media.snapshot()
        await running.take(running.reader(), pictures=6)
        assert await running.media.snapshot() != newer
        with pytest.raises(NoPictureError):
            await running.media.snapshot("stream3")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2")
    coding = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=50")
    path = clip("shot.mp4", *picture, *coding, "-pix_fmt", "yuv420p")
    async with camera(path) as running:
        await running.take(running.reader(), pictures=4)
        assert opened(await running.media.snapshot()).size == (320, 240)
        units = await running.take(running.reader("stream2"), pictures=5)
        assert decode(units)[0].width == 320  # never larger than the source


async def test_there_is_no_snapshot_without_a_signal(camera, tmp_path):
    async with camera(tmp_path / "nothing.mp4") as running:
        with pytest.raises(NoPictureError, match="no snapshot"):
            await running.media.snapshot()
        stream = running.media.streams["stream1"]
        await running.until(lambda: stream.no_signal and "There is no file" in stream.no_signal.reason)
        with pytest.raises(NoPictureError) as caught:
            await running.media.snapshot()
        assert "There is no file" in caught.value.diagnostics()
