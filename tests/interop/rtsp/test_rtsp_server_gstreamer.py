"""GStreamer plays our streams over every transport, bit for bit, and ends cleanly when they end."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from camward.media.nal import iter_length_prefixed, split_annexb
from camward.media.unit import StreamFormat

DEPAY = {"h264": "rtph264depay", "h265": "rtph265depay"}
WAYS = {"tcp": ("rtsp", "tcp"), "udp": ("rtsp", "udp"), "tls": ("rtsps", "tcp+tls")}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["car_park", "pedestrians_h265"])
async def test_pictures_arrive_bit_for_bit(serve, run, request, tmp_path: Path, way: str, name: str) -> None:
    clip = request.getfixturevalue(name)
    scheme, protocols = WAYS[way]
    codec, out = clip.form.video.codec, tmp_path / "out.raw"
    async with serve(clip.form, plain=way != "tls") as served:
        url = f"{scheme}://127.0.0.1:{served.door.port('RTSP')}/stream1"
        source = ["rtspsrc", f"location={url}", f"protocols={protocols}", "user-id=player", f"user-pw={served.secret}"]
        source += ["latency=300", "tls-validation-flags=0"]
        caps = f"video/x-{codec},stream-format=byte-stream,alignment=au"
        command = ["gst-launch-1.0", "-q", *source, "!", DEPAY[codec], "!", caps, "!", "filesink", f"location={out}"]
        async with run(*command) as process:
            await served.until_playing()
            await served.feed(clip, speed=6)
            await asyncio.sleep(0.3)
            # Another format: sessions say BYE and end, and so does the player.
            served.stream.set_format(StreamFormat(replace(clip.form.video, width=32)))
            # How it ends is GStreamer's own matter: 1.22 now and then trips over a read that it has itself cancelled
            # on its way out, or asks for a pause of what is over. What it has received is judged.
            async with asyncio.timeout(20):
                await process.communicate()
        await served.until_idle()
    wanted = [bytes(nal) for unit in clip.pictures for nal in iter_length_prefixed(unit.data)]
    # Its depacketizer puts the description's parameter sets ahead of all.
    assert split_annexb(out.read_bytes()) == [*clip.form.video.parameter_sets, *wanted]


async def test_sound_and_picture_arrive_together(serve, run, cup, tmp_path: Path) -> None:
    picture, sound = tmp_path / "out.h264", tmp_path / "out.aac"
    async with serve(cup.form) as served:
        url = f"rtsp://127.0.0.1:{served.door.port('RTSP')}/stream1"
        source = ["rtspsrc", "name=s", f"location={url}", "protocols=tcp", "user-id=player", f"user-pw={served.secret}"]
        command = ["gst-launch-1.0", "-q", *source]
        command += ["s.", "!", "queue", "!", "rtph264depay", "!", "video/x-h264,stream-format=byte-stream"]
        command += ["!", "filesink", f"location={picture}"]
        command += ["s.", "!", "queue", "!", "rtpmp4gdepay", "!", "filesink", f"location={sound}"]
        async with run(*command) as process:
            await served.until_playing()
            await served.feed(cup, speed=6)
            await asyncio.sleep(0.3)
            served.stream.set_format(StreamFormat(cup.form.video))
            async with asyncio.timeout(20):
                await process.communicate()
    wanted = [bytes(nal) for unit in cup.pictures for nal in iter_length_prefixed(unit.data)]
    assert split_annexb(picture.read_bytes()) == [*cup.form.video.parameter_sets, *wanted]
    heard = sound.read_bytes()
    # What came ahead of the first key picture is not sent; all else is.
    assert heard == b"".join(unit.data for unit in cup.frames[-len(cup.frames) :])[-len(heard) :]
    assert len(heard) > 0.9 * sum(len(unit.data) for unit in cup.frames)
