"""The client on real sockets: deadlines, refusals, TLS, redirects, clean ends, rounds and low delay."""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import trustme
import uvloop

from camward.base.clock import SystemClock
from camward.base.errors import ConfigurationError
from camward.media.unit import AccessUnit, StreamFormat
from camward.rtsp.aio.client import (
    AnswerError,
    ClientLimits,
    EndedError,
    OtherDeviceError,
    RtspClient,
    UnreachableError,
)
from camward.rtsp.core.errors import RtspError

SDP = """v=0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 sprop-parameter-sets=Z2QAH6yzAYAk0IAAAAMAgAAACgeMGTQ=,aOlxSyLA
"""
IDR, SLICE = b"\x65\x88" + b"k" * 40, b"\x41\x9a" + b"p" * 40
QUICK = ClientLimits(connect=1.0, answer=0.4, stall=0.4, tick=0.05)


@dataclass
class Camera:
    """A scripted camera: `way` says what it does instead of the usual."""

    way: str = ""
    delay: float = 0.01
    heard: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def url(self, scheme: str = "rtsp") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/x"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        playing: asyncio.Task[None] | None = None
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                head = head[head.rfind("RTSP/1.0", 0, head.find("\r\n")) :] if head[0] == "$" else head
                method = head.split(" ")[0]
                self.heard.append(method)
                if self.way == "ask and not read":
                    while not writer.is_closing():
                        writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 500)
                        await writer.drain()
                if self.way == f"silent at {method}":
                    continue
                if self.way == f"close at {method}":
                    return
                cseq = next(line for line in head.split("\r\n") if line.startswith("CSeq"))
                writer.write(self.answer(method, cseq))
                if method == "PLAY":
                    playing = asyncio.create_task(self.play(writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            if playing is not None:
                playing.cancel()
                await asyncio.wait([playing])
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def answer(self, method: str, cseq: str) -> bytes:
        status, fields, body = "200 OK", "Session: 1\r\n", ""
        if method == "DESCRIBE":
            body = SDP
            if self.way == "redirect":
                status, fields, body = "302 Found", f"Location: {self.url()}\r\n", ""
            elif self.way == "refuse":
                status, fields, body = "401 No", 'WWW-Authenticate: Digest realm="r", nonce="n"\r\n', ""
            elif self.way == "garbage":
                return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        elif method == "SETUP":
            fields += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return f"RTSP/1.0 {status}\r\n{cseq}\r\n{fields}{length}\r\n{body}".encode()

    async def play(self, writer: asyncio.StreamWriter) -> None:
        for number in range(10_000):
            payload = IDR if number % 25 == 0 else SLICE
            packet = struct.pack(">BBHII", 0x80, 0xE0, number & 0xFFFF, number * 3600 & 0xFFFF_FFFF, 1) + payload
            writer.write(struct.pack(">BBH", 36, 0, len(packet)) + packet)
            if self.way == "stall" and number == 3:
                return
            if self.way == "hang up" and number == 3:
                writer.close()
                return
            await asyncio.sleep(self.delay)


@dataclass
class Kept:
    """A sink that keeps all, and remembers when it came."""

    forms: list[StreamFormat] = field(default_factory=list)
    units: list[tuple[float, AccessUnit]] = field(default_factory=list)
    broken: bool = False

    def on_format(self, form: StreamFormat) -> None:
        self.forms.append(form)

    def on_unit(self, unit: AccessUnit) -> None:
        if self.broken:
            raise KeyError("a fault of ours")
        self.units.append((asyncio.get_running_loop().time(), unit))

    def on_lost(self, reason: str) -> None:
        pass

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.units) < count:
                await asyncio.sleep(0.01)


Serving = Callable[..., AbstractAsyncContextManager[Camera]]


@contextlib.asynccontextmanager
async def camera(way: str = "", *, tls: ssl.SSLContext | None = None, delay: float = 0.01) -> AsyncIterator[Camera]:
    """Start a camera."""
    found = Camera(way, delay)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await server.wait_closed()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)


def client(served: Camera, sink: Kept, **options: Any) -> RtspClient:
    return RtspClient(options.pop("url", served.url()), sink, **{"clock": SystemClock(), "limits": QUICK, **options})


@contextlib.asynccontextmanager
async def running(played: RtspClient) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(played.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
async def test_a_camera_that_falls_silent_is_left_in_time(method: str) -> None:
    async with camera(f"silent at {method}") as served:
        with pytest.raises(UnreachableError, match="doesn't answer"):
            async with asyncio.timeout(3):
                await client(served, Kept()).run()


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY"])
async def test_a_camera_that_hangs_up_in_between_is_an_end(method: str) -> None:
    async with camera(f"close at {method}") as served:
        with pytest.raises(EndedError):
            async with asyncio.timeout(3):
                await client(served, Kept()).run()


async def test_a_camera_that_stalls_or_hangs_up_in_mid_stream_is_noticed() -> None:
    for way, error in (("stall", UnreachableError), ("hang up", EndedError)):
        sink = Kept()
        async with camera(way) as served:
            with pytest.raises(error):
                async with asyncio.timeout(3):
                    await client(served, sink).run()
        assert len(sink.units) == 4


async def test_what_is_no_rtsp_is_our_own_error() -> None:
    async with camera("garbage") as served:
        with pytest.raises(RtspError):
            await client(served, Kept()).run()


async def test_a_camera_that_asks_and_does_not_read_is_left() -> None:
    limits = ClientLimits(connect=1.0, answer=30.0, tick=0.05, unread=10_000)
    async with camera("ask and not read") as served:
        with pytest.raises(UnreachableError, match="does not read"):
            async with asyncio.timeout(30):
                await client(served, Kept(), limits=limits).run()


async def test_a_circle_of_redirects_has_an_end() -> None:
    async with camera("redirect") as served:
        with pytest.raises(AnswerError, match="one place to the next"):
            await client(served, Kept()).run()
        assert served.connections == 4


async def test_nobody_there_and_a_host_without_address() -> None:
    async with camera() as served:
        pass
    with pytest.raises(UnreachableError) as caught:
        await client(served, Kept()).run()
    assert caught.value.diagnostics().count(".") >= 2
    with pytest.raises(UnreachableError):
        await client(served, Kept(), url="rtsp://does-not-exist.invalid/x").run()


async def test_a_stop_says_goodbye_and_leaves_nothing_behind() -> None:
    sink = Kept()
    async with camera() as served:
        async with running(client(served, sink)):
            await sink.until(10)
        async with asyncio.timeout(3):
            while "TEARDOWN" not in served.heard:
                await asyncio.sleep(0.01)


async def test_a_fault_of_the_sink_ends_the_run_with_that_fault() -> None:
    async with camera() as served:
        with pytest.raises(KeyError):
            await client(served, Kept(broken=True)).run()


async def test_tls(throwaway_ca: trustme.CA, throwaway_tls: ssl.SSLContext) -> None:
    sink, trusting = Kept(), ssl.create_default_context()
    throwaway_ca.configure_trust(trusting)
    async with camera(tls=throwaway_tls) as served:
        async with running(client(served, sink, url=served.url("rtsps"), tls=trusting)):
            await sink.until(10)
        with pytest.raises(OtherDeviceError):
            await client(served, Kept(), url=served.url("rtsps"), tls=ssl.create_default_context()).run()
    async with camera() as served:
        with pytest.raises(UnreachableError):
            await client(served, Kept(), url=served.url("rtsps"), tls=trusting).run()


async def test_with_a_tls_context_nothing_is_said_in_the_clear() -> None:
    async with camera() as served:
        with pytest.raises(UnreachableError):
            await client(served, Kept(), tls=ssl.create_default_context()).run()
        assert served.heard == []


def test_udp_beside_tls_is_refused_and_so_is_what_is_no_address() -> None:
    with pytest.raises(ConfigurationError):
        RtspClient("rtsps://cam/x", Kept(), clock=SystemClock(), transport="udp")
    with pytest.raises(ConfigurationError):
        RtspClient("http://cam/x", Kept(), clock=SystemClock())


def bursts(sink: Kept) -> int:
    """How many times units came, those within 5 ms of each other counted once."""
    times = [time for time, _ in sink.units]
    return 1 + sum(later - earlier > 0.005 for earlier, later in pairwise(times))


async def test_reading_in_rounds_and_with_low_delay() -> None:
    sink = Kept()
    async with camera(delay=0.02) as served:
        played = client(served, sink)
        async with running(played):
            await sink.until(10)
            sink.units.clear()
            await sink.until(60)
            assert bursts(sink) < 20
            played.set_low_delay(True)
            await sink.until(70)
            sink.units.clear()
            await sink.until(50)
            assert bursts(sink) > 30
            played.set_low_delay(False)
            await sink.until(60)
            sink.units.clear()
            await sink.until(50)
            assert bursts(sink) < 20
        data = [unit for _, unit in sink.units]
        assert [b.ticks - a.ticks for a, b in pairwise(data)] == [3600] * (len(data) - 1)


def test_the_same_on_uvloop(throwaway_ca: trustme.CA, throwaway_tls: ssl.SSLContext) -> None:
    for test in (
        test_a_camera_that_stalls_or_hangs_up_in_mid_stream_is_noticed,
        test_what_is_no_rtsp_is_our_own_error,
        test_a_stop_says_goodbye_and_leaves_nothing_behind,
        test_a_fault_of_the_sink_ends_the_run_with_that_fault,
        test_reading_in_rounds_and_with_low_delay,
    ):
        uvloop.run(test())
    uvloop.run(test_tls(throwaway_ca, throwaway_tls))
