"""A listener that follows the settings: moves, keeps its connections, and stays where it was if it can't."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from camward.app.doors import LiveDoor
from camward.door.acceptor import Listener, PortError


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Place:
    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.port, self.host = port, host

    def listener(self) -> Listener:
        return Listener("Echo", self.host, self.port, Echo, None, plain=lambda: True)


@contextlib.asynccontextmanager
async def serving(door: LiveDoor) -> AsyncIterator[None]:
    door.open()
    task = asyncio.create_task(door.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"hello")
    return await asyncio.wait_for(reader.readexactly(5), 3)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def test_moves_to_another_port_and_open_connections_stay() -> None:
    place = Place(free_port())
    door = LiveDoor(place.listener)
    async with serving(door):
        before = door.port
        old = await asyncio.open_connection("127.0.0.1", before)
        assert await echo(*old) == b"hello"
        place.port = free_port()
        door.follow()
        await asyncio.sleep(0.1)
        assert door.port == place.port
        assert await echo(*old) == b"hello"
        new = await asyncio.open_connection("127.0.0.1", place.port)
        assert await echo(*new) == b"hello"
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", before)
        for _, writer in (old, new):
            writer.close()
            await writer.wait_closed()


async def test_stays_where_it_was_if_the_new_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = Place(free_port())
        door = LiveDoor(place.listener)
        async with serving(door):
            before = door.port
            place.port = taken.getsockname()[1]
            door.follow()
            await asyncio.sleep(0.1)
            assert door.port == before
            assert str(place.port) in door.problem
            reader, writer = await asyncio.open_connection("127.0.0.1", before)
            assert await echo(reader, writer) == b"hello"
            writer.close()
            await writer.wait_closed()


async def test_moves_to_another_address_on_the_same_port() -> None:
    place = Place(free_port())
    door = LiveDoor(place.listener)
    async with serving(door):
        place.host = "127.0.0.2"
        door.follow()
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.2", place.port)
        assert await echo(reader, writer) == b"hello"
        writer.close()
        await writer.wait_closed()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", place.port)


async def test_an_address_that_is_not_ours_leaves_it_where_it_was() -> None:
    place = Place(free_port())
    door = LiveDoor(place.listener)
    async with serving(door):
        place.host = "192.0.2.77"
        door.follow()
        await asyncio.sleep(0.2)
        assert door.problem
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        assert await echo(reader, writer) == b"hello"
        writer.close()
        await writer.wait_closed()


async def test_a_port_in_use_at_the_start_is_one_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door = LiveDoor(Place(taken.getsockname()[1]).listener)
        with pytest.raises(PortError) as caught:
            door.open()
        assert "another port" in caught.value.diagnostics()
