"""Coded sources go on untouched: the same NAL units as ffmpeg copies, the same times, loop after loop."""

import asyncio
import time
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from camward.media import codec, h264
from camward.media.nal import split_annexb
from camward.media.unit import VIDEO_CLOCK, Flags, Track

from .conftest import annexb_of, decode, nals_of, run

SHORT = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=50:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate={rate}:duration=1")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params")


def copied(path, name: str) -> list[bytes]:
    """The NAL units that ffmpeg's copy of the file has, without parameter sets and delimiters."""
    bsf, form = ("h264_mp4toannexb", "h264") if name == "h264" else ("hevc_mp4toannexb", "hevc")
    data = run("ffmpeg", "-v", "fatal", "-i", path, "-map", "0:v", "-c", "copy", "-bsf:v", bsf, "-f", form, "-")
    with av.open(str(path)) as container:
        aside = container.streams.video[0].codec_context.extradata or b""
    # The filter also puts in band what a file keeps beside the stream (x265's own SEI, say).
    return [nal for nal in without_sets(name, split_annexb(data)) if nal not in aside]


def without_sets(name: str, nals: list[bytes]) -> list[bytes]:
    return [nal for nal in nals if not codec.is_parameter_set(name, nal)]


def pictures_of(units):
    return [unit for unit in units if unit.track is Track.VIDEO]


CLIPS = {
    "b-pictures.mp4": (*SHORT, "-c:v", "libx264", "-preset", "fast", "-bf", "3", "-g", "25", "-pix_fmt", "yuv420p"),
    "delimiters.ts": (
        *SHORT,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
        "-aud",
        "1",
        "-pix_fmt",
        "yuv420p",
    ),
    "raw.h264": (*SHORT, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"),
    "closed.mp4": (*SHORT, *X265, "log-level=error:keyint=25:open-gop=0:bframes=0", "-pix_fmt", "yuv420p"),
    "open.mkv": (*SHORT, *X265, "log-level=error:keyint=10:min-keyint=10:open-gop=1", "-pix_fmt", "yuv420p"),
}


@pytest.mark.parametrize("name", CLIPS)
async def test_made_clips_pass_bit_exactly_and_loop(camera, clip, name):
    path = clip(name, *CLIPS[name])
    kind = "h265" if name in ("closed.mp4", "open.mkv") else "h264"
    expected = copied(path, kind)
    async with camera(path) as running:
        units = pictures_of(await running.take(running.reader(), pictures=75))
        form = running.media.streams["stream1"].format
        assert running.media.status.streams["stream1"].passthrough
    got = without_sets(kind, [nal for unit in units for nal in nals_of(unit)])
    count = min(len(expected), len(got))
    assert got[:count] == expected[:count]
    keys = [unit for unit in units if unit.key]
    assert units[0].key and len(keys) >= 3
    for unit in keys:
        assert set(codec.parameter_sets_in(kind, unit.data)) >= set(form.video.parameter_sets)
        assert codec.is_key(kind, unit.data)
    shown = sorted(unit.ticks for unit in units)[:-8]  # the last ones' neighbours have not come yet
    assert {b - a for a, b in pairwise(shown)} <= {1800, 1799, 1801}
    assert len(decode(units, kind)) >= len(units) - 3
    second = [unit for unit in units if unit.ticks >= units[0].ticks + VIDEO_CLOCK]
    assert second[0].key and not second[0].flags & Flags.DISCONTINUITY


@pytest.mark.parametrize("name", ["car-park", "cup-with-audio"])
async def test_real_footage_passes_bit_exactly(camera, footage, name):
    path = footage / f"{name}.mp4"
    expected = copied(path, "h264")
    started = time.monotonic()
    async with camera(path) as running:
        reader = running.reader()
        first = await running.take(reader, pictures=1)
        assert time.monotonic() - started < 2.0
        units = first + await running.take(reader, pictures=59)
    got = without_sets("h264", [nal for unit in pictures_of(units) for nal in nals_of(unit)])
    assert got == expected[: len(got)]
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        packets = [packet for packet in container.demux(video) if packet.size][:60]
        times = [packet.pts * Fraction(packet.time_base) for packet in packets]
    ticks = [unit.ticks for unit in pictures_of(units)]
    assert [t - ticks[0] for t in ticks] == [round((at - times[0]) * VIDEO_CLOCK) for at in times]
    assert run("ffmpeg", "-v", "error", "-f", "h264", "-i", "-", "-f", "null", "-", data=annexb_of(units)) == b""


async def test_aac_passes_untouched_and_in_step(camera, footage):
    path = footage / "cup-with-audio.mp4"
    async with camera(path) as running:
        units = await running.take(running.reader(), pictures=60)
        form = running.media.streams["stream1"].format
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        frames = [bytes(packet) for packet in container.demux(audio) if packet.size]
        assert form.audio.config == audio.codec_context.extradata
    sounds = [unit for unit in units if unit.track is Track.AUDIO]
    begin = frames.index(sounds[0].data)
    assert [unit.data for unit in sounds] == frames[begin : begin + len(sounds)]
    assert {b.ticks - a.ticks for a, b in pairwise(sounds)} == {1024}
    # What is heard and what is seen at one moment carry one time.
    pictures = pictures_of(units)
    drift = [unit.utc / 1e9 - unit.ticks / 48_000 for unit in sounds]
    seen = [unit.utc / 1e9 - unit.ticks / VIDEO_CLOCK for unit in pictures]
    assert max(drift + seen) - min(drift + seen) < 0.01
    # And they come at about the same time, though the file keeps a second of each in a row.
    order = [unit.utc for unit in units[10:]]
    assert max(a - b for a, b in pairwise(order)) < 100_000_000


async def test_passing_through_takes_milliseconds(camera, clip):
    path = clip("closed-h264.mp4", *SHORT, "-c:v", "libx264", "-bf", "0", "-g", "25", "-pix_fmt", "yuv420p")
    async with camera(path) as running:
        reader, delays = running.reader(), []
        for unit in await running.take(reader, pictures=1):
            assert unit.key
        for _ in range(50):
            unit = await reader.get()
            delays.append(time.time_ns() - unit.utc)
    delays.sort()
    assert delays[len(delays) // 2] < 20_000_000  # a loaded machine; 1 ms on an idle one


@pytest.mark.parametrize(("coder", "rate"), [("pcm_mulaw", 8000), ("pcm_alaw", 8000), ("mp2", 44_100)])
async def test_other_sound_becomes_aac(camera, clip, coder, rate):
    sound = [part.format(rate=rate) for part in SOUND]
    picture = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p")
    path = clip(f"{coder}.mkv", *SHORT, *sound, *picture, "-c:a", coder, "-ar", str(rate))
    async with camera(path) as running:
        units = await running.take(running.reader(), pictures=80)
        form = running.media.streams["stream1"].format
    assert (form.audio.codec, form.audio.sample_rate) == ("aac", rate)
    sounds = [unit for unit in units if unit.track is Track.AUDIO]
    steps = [b.ticks - a.ticks for a, b in pairwise(sounds)]
    assert all(step > 0 for step in steps)
    assert steps.count(1024) >= len(steps) - 2  # but for where the file begins anew
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = form.audio.config
    heard = [frame for unit in sounds for frame in decoder.decode(av.Packet(unit.data))]
    samples = [abs(value) for value in memoryview(heard[len(heard) // 2].planes[0]).cast("B").cast("f")[:1024]]
    assert 0.01 < max(samples) < 1.0


async def test_opus_passes_and_sound_can_be_off(camera, clip):
    from camward.camera.settings import MediaSettings, Stream1Settings

    sound = [part.format(rate=48_000) for part in SOUND]
    picture = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p")
    path = clip("opus.mkv", *SHORT, *sound, *picture, "-c:a", "libopus")
    async with camera(path) as running:
        units = await running.take(running.reader(), pictures=30)
        form = running.media.streams["stream1"].format
        assert (form.audio.codec, form.audio.channels) == ("opus", 1)
        assert {b.ticks - a.ticks for a, b in pairwise(u for u in units if u.track is Track.AUDIO)} == {960}
        running.media.apply(MediaSettings(stream1=Stream1Settings(audio=False)))
        await running.until(lambda: running.media.streams["stream1"].format.audio is None)
        reader = running.reader()
        await asyncio.sleep(0.1)
        assert all(unit.track is Track.VIDEO for unit in await running.take(reader, pictures=40))


async def test_other_video_is_coded_here_and_says_so(camera, clip):
    path = clip("motion.avi", *SHORT, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    async with camera(path) as running:
        units = await running.take(running.reader(), pictures=110)
        status = running.media.status.streams["stream1"]
    assert not status.passthrough and "mjpeg" in status.why
    assert len(decode(units)) == 110
    for unit in units:
        kinds = [h264.nal_type(nal) for nal in nals_of(unit)]
        assert sum(kind in (1, 5) for kind in kinds) == 1  # one slice per picture
        assert h264.DELIMITER not in kinds
    keys = [unit.ticks for unit in units if unit.key]
    # A machine that is too busy leaves pictures out; the group then takes as many pictures, and longer.
    gaps = [b - a for a, b in pairwise(keys)]
    assert min(gaps) == 2 * VIDEO_CLOCK
    assert all(gap % (VIDEO_CLOCK // 25) == 0 for gap in gaps)
