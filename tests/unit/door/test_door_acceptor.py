"""The acceptor: filter before a byte, TLS and plain on one port, limits, ports in use."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
import trustme

from camward.door.acceptor import Door, DoorLimits, Listener, PortError, plain_address


class Echo(asyncio.Protocol):
    """Says whether the connection is under TLS, then echoes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(b"tls " if transport.get_extra_info("sslcontext") else b"plain ")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


@contextlib.asynccontextmanager
async def opened(door: Door) -> AsyncIterator[int]:
    door.open()
    task = asyncio.create_task(door.serve())
    try:
        yield door.addresses[0][2]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def listener(tls: ssl.SSLContext | None, **more: object) -> Listener:
    return Listener(name="test", host="127.0.0.1", port=0, protocol=Echo, tls=tls, **more)


async def talk(port: int, data: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
    )
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
def client_tls(throwaway_ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    throwaway_ca.configure_trust(context)
    return context


async def test_tls_and_plain_on_one_port(throwaway_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with opened(Door([listener(throwaway_tls, plain=lambda: True)])) as port:
        assert await talk(port, b"hello") == b"plain hello"
        assert await talk(port, b"hello", client_tls) == b"tls hello"


async def test_plain_is_refused_with_a_sentence(throwaway_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with opened(Door([listener(throwaway_tls, plain_refusal=b"use TLS\n")])) as port:
        assert await talk(port, b"GET / HTTP/1.1\r\n\r\n") == b"use TLS\n"
        assert await talk(port, b"hello", client_tls) == b"tls hello"


async def test_filter_acts_before_a_byte_is_read(throwaway_tls: ssl.SSLContext) -> None:
    seen: list[str] = []

    def nobody(address: str) -> bool:
        seen.append(address)
        return False

    door = Door([listener(throwaway_tls)], allowed=nobody)
    async with opened(door) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
    assert seen == ["127.0.0.1"]
    assert door.refused == 1


async def test_silent_peer_is_dropped_and_others_are_served(throwaway_tls: ssl.SSLContext) -> None:
    door = Door([listener(throwaway_tls, plain=lambda: True)], limits=DoorLimits(first_byte=0.2))
    async with opened(door) as port:
        silent, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await talk(port, b"hello") == b"plain hello"
        async with asyncio.timeout(5):
            assert await silent.read() == b""
        writer.close()


async def test_broken_handshake_ends_only_itself(throwaway_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with opened(Door([listener(throwaway_tls)])) as port:
        answer = await talk(port, b"\x16\x03\x01\xff\xffnot a client hello" + bytes(200))
        assert b"tls " not in answer
        assert await talk(port, b"hello", client_tls) == b"tls hello"


async def test_connections_per_address_are_bounded_and_counted_down(throwaway_tls: ssl.SSLContext) -> None:
    door = Door([listener(throwaway_tls, plain=lambda: True)], limits=DoorLimits(per_address=2))
    async with opened(door) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        for _, w in held:
            w.close()
        await asyncio.sleep(0.2)
        assert await talk(port, b"hello") == b"plain hello"


def test_port_in_use_says_so(throwaway_tls: ssl.SSLContext) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door = Door([Listener("HTTPS", "127.0.0.1", taken.getsockname()[1], Echo, throwaway_tls)])
        with pytest.raises(PortError) as caught:
            door.open()
    assert "already in use" in caught.value.diagnostics()
    assert door.addresses == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
def test_one_host_has_one_address(given: str, expected: str) -> None:
    assert plain_address(given) == expected


def test_every_address_means_both_families(throwaway_tls: ssl.SSLContext) -> None:
    door = Door([Listener("test", "", 0, Echo, throwaway_tls)])
    door.open()
    families: list[str] = [address for _, address, _ in door.addresses]
    ports: set[int] = {port for _, _, port in door.addresses}
    door.close()
    assert "0.0.0.0" in families
    assert len(ports) == 1
