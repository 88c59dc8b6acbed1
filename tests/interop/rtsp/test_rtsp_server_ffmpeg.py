"""ffmpeg plays our streams over every transport, bit for bit."""

import asyncio
from pathlib import Path

import pytest

from camward.media.nal import iter_length_prefixed, split_annexb

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
            feeding = asyncio.create_task(served.feed(clip, loops=3))
            async with asyncio.timeout(30):
                _, errors = await process.communicate()
            feeding.cancel()
        assert process.returncode == 0, errors.decode()
        await served.until_idle()
    assert split_annexb(out.read_bytes()) == nals_of(wanted)
