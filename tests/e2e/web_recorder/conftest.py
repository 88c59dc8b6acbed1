"""Recorded files made by our own writer, a plain server for the player's modules alone, and a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from aiohttp import web
from playwright.async_api import Browser, async_playwright

import camward.web
from camward.base.clock import NS, Utc
from camward.media import codec, nal
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import FileFragment, Mp4File
from camward.media.mp4.writer import FragmentWriter
from camward.media.unit import VIDEO_CLOCK, AccessUnit, AudioFormat, Flags, StreamFormat, Track

START = 1_760_000_000 * NS
STATIC = Path(camward.web.__file__).parent / "static"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Clip:
    """Real footage as access units."""

    path: Path
    form: StreamFormat
    units: tuple[AccessUnit, ...]


def read_clip(path: Path, *, start: int = START) -> Clip:
    """All packets of a file; the first picture was captured at `start`."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        size, sets = codec.from_extradata("h264", video.codec_context.extradata)
        streams, sound = [video], None
        if container.streams.audio:
            streams.append(container.streams.audio[0])
            context = streams[1].codec_context
            sound = AudioFormat("aac", context.sample_rate, context.channels, context.extradata)
        units = []
        for packet in container.demux(*streams):
            if packet.size == 0:
                continue
            shown = packet.stream is video
            rate = VIDEO_CLOCK if shown else sound.clock_rate
            ticks = round(packet.pts * packet.time_base * rate)
            data = nal.widen_lengths(bytes(packet), size) if shown else bytes(packet)
            flags = Flags.KEY if packet.is_keyframe or not shown else Flags.NONE
            track = Track.VIDEO if shown else Track.AUDIO
            units.append(AccessUnit(track, ticks, Utc(start + ticks * NS // rate), data, flags))
    return Clip(path, StreamFormat(codec.video_format("h264", sets), sound), tuple(units))


def write_file(form: StreamFormat, units: Sequence[AccessUnit]) -> bytes:
    """A recorded file, a fragment for each group of pictures."""
    groups: list[list[AccessUnit]] = [[]]
    for unit in units:
        if unit.track is Track.VIDEO and unit.key and groups[-1]:
            groups.append([])
        groups[-1].append(unit)
    writer = FragmentWriter(form, Origin("cam", "recorder", 1, 1, units[0].utc))
    data = bytearray(writer.header())
    for index, group in enumerate(groups):
        following: dict[Track, int] = {}
        for unit in groups[index + 1] if index + 1 < len(groups) else ():
            following.setdefault(unit.track, unit.ticks)
        for chunk in writer.fragment(group, next_ticks=following).chunks:
            data += chunk
    return bytes(data)


class Shelf:
    """Files of one camera behind the calls that the player makes; counts them."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self.files = [(data, Mp4File.scan(data)) for data in files]
        self.asked: list[tuple[str, float, float]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/page", self._page)
        app.router.add_get("/api/v1/cameras/cam/media", self._media)
        app.router.add_get("/api/v1/cameras/cam/edge", self._edge)
        app.router.add_get("/api/v1/cameras/gone/media", self._refuse)
        app.router.add_static("/static", STATIC)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><canvas id=canvas></canvas>", content_type="text/html")

    def _fragments(self) -> list[tuple[bytes, Mp4File, FileFragment, float, float]]:
        found = []
        for data, file in self.files:
            for fragment in file.fragments:
                begin = fragment.utc / 1e6
                found.append((data, file, fragment, begin, begin + fragment.times()[1][1] / 90))
        return found

    async def _media(self, request: web.Request) -> web.Response:
        start, end = float(request.query["from"]), float(request.query["to"])
        self.asked.append(("media", start, end))
        body, last = b"", None
        for data, file, fragment, begin, until in self._fragments():
            if until > start and begin < end:
                if file is not last:
                    body += file.init_segment()
                    last = file
                body += data[fragment.start : fragment.end]
        return web.Response(body=body, content_type="video/mp4") if body else web.Response(status=204)

    async def _edge(self, request: web.Request) -> web.Response:
        start, end = float(request.query["from"]), float(request.query["to"])
        spans: list[list[float]] = []
        for _, _, _, begin, until in self._fragments():
            if spans and begin - spans[-1][1] < 1500:
                spans[-1][1] = until
            else:
                spans.append([begin, until])
        inside = [[max(a, start), min(b, end)] for a, b in spans if b > start and a < end]
        if not inside:
            return web.json_response({"span": None})
        begin, until = inside[0] if request.query["which"] == "first" else inside[-1]
        return web.json_response({"span": {"from": begin, "to": until, "state": "recorded", "reason": ""}})

    async def _refuse(self, request: web.Request) -> web.Response:
        return web.json_response({"code": "X", "what": "The disk is gone", "why": "", "next": "look"}, status=500)


@pytest.fixture(scope="session")
def car_park(footage: Path) -> Clip:
    """60 s, 768x576, 10 pictures a second, a key picture every 2 s."""
    return read_clip(footage / "car-park.mp4")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            yield chromium
        finally:
            await chromium.close()


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    """On a free port of the loopback address."""
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, re.sub(r"/$", "", f"http://127.0.0.1:{runner.addresses[0][1]}")


def decode_at(clip: Clip, index: int) -> bytes:
    """The picture of this number as ffmpeg's decoder gives it: RGB, top down."""
    with av.open(str(clip.path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                plane = frame.reformat(format="rgb24").planes[0]
                row = plane.width * 3
                return b"".join(bytes(plane)[y * plane.line_size :][:row] for y in range(plane.height))
    raise AssertionError("the clip has no such picture")
