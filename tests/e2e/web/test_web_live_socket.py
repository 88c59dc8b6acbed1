"""The live socket, with a program at the other end: bytes, format changes, a viewer that is too slow."""

import asyncio
import base64
import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import aiohttp
import av
import pytest

from camward.media.codec import codec_string, decoder_config, from_extradata, video_format
from camward.media.mp4.movie import file_type
from camward.media.unit import AccessUnit, Flags, StreamFormat, Track

HEAD = struct.Struct(">BBHIqq")
UTC = 1_760_000_000_000_000_000


@pytest.fixture
def clip(footage: Path) -> tuple[StreamFormat, list[AccessUnit]]:
    """A real clip's format and pictures."""
    with av.open(str(footage / "car-park.mp4")) as container:
        stream = container.streams.video[0]
        _, sets = from_extradata("h264", bytes(stream.codec_context.extradata))
        units = [
            AccessUnit(
                Track.VIDEO,
                number * 3000,
                UTC + number,
                bytes(packet),
                Flags.KEY if packet.is_keyframe else Flags.NONE,
            )
            for number, packet in enumerate(container.demux(stream))
            if packet.size
        ]
    return StreamFormat(video_format("h264", sets)), units


@pytest.fixture
async def connect(claimed, browser_of):
    browser = await browser_of(claimed)
    await browser.log_in("petra")
    place = claimed.url.replace("https", "wss") + "/live?stream=stream1"
    return lambda more="", **options: browser.session.ws_connect(place + more, **options)


async def next_format(socket: aiohttp.ClientWebSocketResponse) -> dict[str, object]:
    """The next format message; the device's clock and lost signals are passed over."""
    while True:
        word = json.loads((await socket.receive(5)).data)
        if word["type"] == "format":
            return word


async def test_units_byte_for_byte(claimed, connect, clip) -> None:
    form, units = clip
    stream = claimed.media.streams["stream1"]
    async with connect() as socket:
        assert (await socket.receive_json())["type"] == "time"
        lost = await socket.receive_json()
        assert (lost["type"], lost["reason"]) == ("no_signal", "not started yet")
        stream.set_format(form)
        for unit in units[:5]:
            stream.publish(unit)
        told = await next_format(socket)
        assert told["codec"] == codec_string(form.video)
        assert base64.b64decode(told["description"]) == decoder_config(form.video)
        assert (told["width"], told["height"], told["audio"]) == (form.video.width, form.video.height, None)
        for unit in units[:5]:
            message = await socket.receive_bytes(timeout=5)
            head = HEAD.unpack_from(message)
            assert head == (0, int(unit.flags), 0, 0, unit.ticks, unit.utc)
            assert message[HEAD.size :] == unit.data
    async with asyncio.timeout(5):
        while stream.readers:
            await asyncio.sleep(0.02)


async def test_fragments_are_a_playable_file(claimed, connect, clip) -> None:
    form, units = clip
    stream = claimed.media.streams["stream1"]
    stream.set_format(form)
    async with connect("&form=mp4") as socket:
        told = await socket.receive_json()
        while told["type"] != "format":
            async with asyncio.timeout(5):
                await asyncio.sleep(0)
            for unit in units[:30]:
                stream.publish(unit)
            told = await socket.receive_json()
        assert told["mime"].startswith('video/mp4; codecs="avc3.')
        data = [await socket.receive_bytes(timeout=5) for _ in range(31)]
    assert data[0].startswith(file_type())
    with av.open(io.BytesIO(b"".join(data))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30


async def test_units_of_the_old_format_are_told_apart(claimed, connect, clip) -> None:
    form, units = clip
    stream = claimed.media.streams["stream1"]
    other = replace(form, video=replace(form.video, frame_rate=12.0))
    async with connect() as socket:
        while stream.readers == 0:
            await asyncio.sleep(0.01)
        # All in one turn of the loop: what was queued under the old format is sent when the new one holds already.
        stream.set_format(form)
        for unit in units[:3]:
            stream.publish(unit)
        stream.set_format(other)
        stream.publish(units[1])  # no decoder could start with this one
        for unit in units[:2]:
            stream.publish(unit)
        assert (await next_format(socket))["frameRate"] == form.video.frame_rate
        first = [await socket.receive_bytes(timeout=5) for _ in range(3)]
        assert (await next_format(socket))["frameRate"] == 12.0
        second = [await socket.receive_bytes(timeout=5) for _ in range(2)]
    assert [message[HEAD.size :] for message in first] == [unit.data for unit in units[:3]]
    assert [message[HEAD.size :] for message in second] == [unit.data for unit in units[:2]]


async def test_a_slow_viewer_loses_its_own_pictures_and_resumes_at_a_key_picture(claimed, connect, clip) -> None:
    form, units = clip
    stream = claimed.media.streams["stream1"]
    stream.set_format(form)
    key = replace(units[0], data=bytes(60_000))
    rest = replace(units[1], data=bytes(60_000))
    async with connect() as slow, connect() as quick:
        while stream.readers < 2:
            await asyncio.sleep(0.01)
        reading = asyncio.create_task(_count(quick))
        for number in range(600):  # 36 MB: far more than every buffer between us
            unit = key if number % 20 == 0 else rest
            stream.publish(replace(unit, ticks=number))
            await asyncio.sleep(0.002)
        stream.publish(replace(key, ticks=9999))
        async with asyncio.timeout(20):
            assert await reading == 601
        ticks, flags = [], []
        async with asyncio.timeout(20):
            while not ticks or ticks[-1] != 9999:
                message = await slow.receive()
                if message.type is aiohttp.WSMsgType.BINARY:
                    ticks.append(HEAD.unpack_from(message.data)[4])
                    flags.append(Flags(message.data[1]))
    assert len(ticks) < 601
    for before, after, flag in zip(ticks, ticks[1:], flags[1:], strict=False):
        assert after == before + 1 or flag & Flags.KEY, (before, after)


async def _count(socket: aiohttp.ClientWebSocketResponse) -> int:
    pictures = 0
    while True:
        message = await socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            pictures += 1
            if HEAD.unpack_from(message.data)[4] == 9999:
                return pictures


async def test_odd_words_change_nothing_and_endless_ones_end_the_socket(claimed, connect, clip) -> None:
    form, units = clip
    stream = claimed.media.streams["stream1"]
    async with connect() as socket:
        for word in ("nonsense", "[1]", '{"sound": 5}', "[" * 5000, "null", ""):
            await socket.send_str(word)
        await socket.send_bytes(b"\xff\x00")
        stream.set_format(form)
        while stream.readers == 0:
            await asyncio.sleep(0.01)
        stream.publish(units[0])
        assert (await next_format(socket))["type"] == "format"
        await socket.send_str("x" * 70_000)
        async with asyncio.timeout(5):
            while (message := await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                pass
        assert message.data in (1009, None)


async def test_there_is_no_third_stream(claimed, connect) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await connect("x")
