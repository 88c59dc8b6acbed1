"""The web host behind the door, as curl and raw sockets see it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from camward.door.acceptor import Door, Listener
from camward.door.http import PLAIN_REFUSAL, HttpHost, HttpLimits


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": "heard " + message["text"]})
        await send({"type": "websocket.close"})
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    text = f"{scope['scheme']} {scope['method']} {scope['path']} {len(body)}".encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(text)).encode())]}
    )
    await send({"type": "http.response.body", "body": text})


@contextlib.asynccontextmanager
async def served(tls: ssl.SSLContext, limits: HttpLimits = HttpLimits()) -> AsyncIterator[int]:
    host = HttpHost(app, limits=limits)
    door = Door([Listener("HTTPS", "127.0.0.1", 0, host.protocol, tls, plain_refusal=PLAIN_REFUSAL)])
    door.open()
    task = asyncio.create_task(door.serve())
    try:
        yield door.port("HTTPS")
    finally:
        await host.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def ca_file(throwaway_ca: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    throwaway_ca.cert_pem.write_to_path(path)
    return str(path)


async def curl(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--max-time", "10", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_curl_over_tls(throwaway_tls: ssl.SSLContext, ca_file: str) -> None:
    async with served(throwaway_tls) as port:
        assert await curl("--cacert", ca_file, f"https://localhost:{port}/a/b") == (0, "https GET /a/b 0")
        code, output = await curl("--cacert", ca_file, "-d", "x" * 5000, f"https://localhost:{port}/post")
        assert (code, output) == (0, "https POST /post 5000")


async def test_plain_http_gets_a_sentence(throwaway_tls: ssl.SSLContext) -> None:
    async with served(throwaway_tls) as port:
        code, output = await curl(f"http://localhost:{port}/")
        assert code == 0
        assert "https://" in output


async def raw(port: int, ca: trustme.CA, data: bytes, *, wait: float = 0) -> bytes:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(data), 16384):
                writer.write(data[start : start + 16384])
                await writer.drain()
        async with asyncio.timeout(5 + wait):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100 + b"\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 40000, b"431"),
        (b"GARBAGE\x00\xff\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", b"400"),
    ],
    ids=["fields", "large", "garbage", "length", "smuggling"],
)
async def test_bad_heads_get_a_status(
    throwaway_tls: ssl.SSLContext, throwaway_ca: trustme.CA, data: bytes, status: bytes
) -> None:
    async with served(throwaway_tls) as port:
        assert (await raw(port, throwaway_ca, data)).split(b" ")[1] == status


async def test_slow_head_and_slow_body_end(throwaway_tls: ssl.SSLContext, throwaway_ca: trustme.CA) -> None:
    limits = HttpLimits(head_seconds=0.3, body_seconds=0.3)
    async with served(throwaway_tls, limits) as port:
        assert b" 408 " in await raw(port, throwaway_ca, b"GET / HTTP/1.1\r\nHost:")
        slow_body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
        assert b" 408 " in await raw(port, throwaway_ca, slow_body)


async def test_websocket_from_a_real_client(throwaway_tls: ssl.SSLContext, throwaway_ca: trustme.CA) -> None:
    import websockets

    context = ssl.create_default_context()
    throwaway_ca.configure_trust(context)
    async with (
        served(throwaway_tls) as port,
        websockets.connect(f"wss://localhost:{port}/live", ssl=context) as socket,
    ):
        await socket.send("hello")
        assert await socket.recv() == "heard hello"
