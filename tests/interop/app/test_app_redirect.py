"""Plain HTTP that only leads to HTTPS, asked by curl and by hostile clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from camward.app.listeners import http_door
from camward.app.places import Place


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[int]:
    door = http_door(Place("127.0.0.1", 0), https=lambda: 8453)
    door.open()
    task = asyncio.create_task(door.run())
    try:
        yield door.port
    finally:
        task.cancel()
        await asyncio.wait({task})


async def curl(*words: str) -> str:
    process = await asyncio.create_subprocess_exec("curl", "-s", "-i", *words, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 10)
    return out.decode()


async def test_browsers_are_sent_to_https() -> None:
    async with serving() as port:
        answer = await curl(f"http://127.0.0.1:{port}/setup?secret=1")
        assert answer.startswith("HTTP/1.1 307")
        assert "location: https://127.0.0.1:8453/\r\n" in answer
        assert "secret" not in answer


async def test_a_host_that_is_none_gets_no_address() -> None:
    async with serving() as port:
        for host in ("evil.example/%0d%0aX: 1", "a b", "user@host", "", "[::1", "x" * 300):
            answer = await curl("-H", f"Host: {host}", f"http://127.0.0.1:{port}/")
            assert answer.startswith("HTTP/1.1 400"), host
            assert "location" not in answer.lower()
