"""ffmpeg plays our streams over every transport, bit for bit."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from camward.media.nal import iter_length_prefixed, join_annexb, split_annexb

ENDLESS = 10_000


def nals_of(units: object) -> list[bytes]:
    return [bytes(nal) for unit in units for nal in iter_length_prefixed(unit.data)]


def ffmpeg(url: str, *output: str, options: tuple[str, ...] = ()) -> tuple[str, ...]:
    return ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", *options, "-i", url, *output)


WAYS = {
    "tcp": ("rtsp", ("-rtsp_transport", "tcp")),
    "udp": ("rtsp", ("-rtsp_transport", "udp", "-buffer_size", "4000000")),
    "tls": ("rtsps", ("-rtsp_transport", "tcp")),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["car_park", "pedestrians_h265"])
async def test_pictures_arrive_bit_for_bit(serve, run, request, tmp_path: Path, way: str, name: str) -> None:
    clip = request.getfixturevalue(name)
    scheme, options = WAYS[way]
    kind = clip.form.video.codec.removeprefix("h")
    out = tmp_path / "out.raw"
    muxer = {"264": "h264", "265": "hevc"}[kind]
    wanted = clip.pictures[: len(clip.pictures) - 1]
    # ffmpeg's probing needs pictures, so the feed goes on; -frames ends it.
    command = ffmpeg(
        "URL", "-c", "copy", "-map", "0:v", "-frames:v", str(len(wanted)), "-f", muxer, str(out), options=options
    )
    async with serve(clip.form, plain=way != "tls") as served:
        command = tuple(served.url(scheme) if part == "URL" else part for part in command)
        async with run(*command) as process:
            await served.until_playing()
            feeding = asyncio.create_task(served.feed(clip, loops=3, speed=6))
            async with asyncio.timeout(30):
                _, errors = await process.communicate()
            feeding.cancel()
        assert process.returncode == 0, errors.decode()
        await served.until_idle()
    assert split_annexb(out.read_bytes()) == nals_of(wanted)


@pytest.mark.parametrize("way", ["tcp", "udp"])
async def test_sound_and_times_arrive_exactly(serve, run, cup, way: str) -> None:
    """Distances between packets are the source's, and so is the distance of picture and sound."""
    command = ("ffprobe", "-v", "error", "-rtsp_transport", way, "-read_intervals", "%+#250", "-show_packets")
    command += ("-show_data_hash", "md5")
    async with serve(cup.form) as served:
        async with run(*command, "-of", "json", served.url()) as process:
            await served.until_playing()
            feeding = asyncio.create_task(served.feed(cup, loops=3, speed=2))
            async with asyncio.timeout(30):
                output, errors = await process.communicate()
            feeding.cancel()
        assert process.returncode == 0, errors.decode()
        await served.until_idle()
    packets = json.loads(output)["packets"]
    starts = []
    for kind, units, rate in (("video", cup.pictures, 90_000), ("audio", cup.frames, cup.form.audio.clock_rate)):
        found = [packet for packet in packets if packet["codec_type"] == kind and "pts" in packet]
        assert len(found) > 50
        shown = (join_annexb(iter_length_prefixed(unit.data)) if kind == "video" else unit.data for unit in units)
        hashes = ["MD5:" + hashlib.md5(data).hexdigest() for data in shown]
        first = hashes.index(found[0]["data_hash"])
        times = [int(packet["pts"]) - int(found[0]["pts"]) for packet in found]
        wanted = [unit.ticks - units[first].ticks for unit in units[first : first + len(found)]]
        # ffprobe takes times from sender reports, whose NTP fraction rounds a tick.
        assert all(abs(time - want) <= 1 for time, want in zip(times, wanted, strict=False))
        starts.append(float(found[0]["pts_time"]) - units[first].ticks / rate)
    assert abs(starts[0] - starts[1]) < 0.001


async def test_a_wrong_secret_and_an_unknown_stream_are_told_apart(serve, run, car_park) -> None:
    async with serve(car_park.form) as served:
        for url, word in ((served.url(secret="wrong"), "401"), (served.url(path="stream9"), "404")):
            async with run("ffprobe", "-v", "error", "-rtsp_transport", "tcp", url) as process:
                _, errors = await process.communicate()
            assert process.returncode != 0 and word in errors.decode()
