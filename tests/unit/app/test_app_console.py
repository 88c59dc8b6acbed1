"""The local console: asked over a socket that only the owner reaches; errors come back as they were."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from camward.app.console import SOCKET_FILE, Console, ConsoleError, ConsoleLimits, ask, running, socket_folder
from camward.base.errors import NotPermittedError, NotReachableError


async def double(asked: Mapping[str, object]) -> object:
    return {"double": int(str(asked["number"])) * 2}


async def refuse(_: Mapping[str, object]) -> object:
    raise NotPermittedError("no", why="a rule", next="ask somebody", code="NO-1")


async def crash(_: Mapping[str, object]) -> object:
    raise RuntimeError("broken on purpose")


async def dawdle(_: Mapping[str, object]) -> object:
    await asyncio.sleep(60)
    return {}


VERBS = {"double": double, "refuse": refuse, "crash": crash, "dawdle": dawdle}


@contextlib.asynccontextmanager
async def console(state: Path, limits: ConsoleLimits = ConsoleLimits()) -> AsyncIterator[None]:
    task = asyncio.create_task(Console(state, VERBS, limits=limits).run())
    try:
        for _ in range(100):
            if await asyncio.to_thread(running, state):
                break
            await asyncio.sleep(0.01)
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with console(tmp_path):
        assert await asyncio.to_thread(ask, tmp_path, "double", {"number": 21}) == {"double": 42}
        assert socket_folder(tmp_path).stat().st_mode & 0o777 == 0o700
    assert not (socket_folder(tmp_path) / SOCKET_FILE).exists()
    assert not running(tmp_path)


async def test_a_deep_state_folder_has_a_console_too(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    async with console(deep):
        assert await asyncio.to_thread(ask, deep, "double", {"number": 1}) == {"double": 2}


async def test_a_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    folder = socket_folder(tmp_path)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(folder / SOCKET_FILE))
    assert not running(tmp_path)
    async with console(tmp_path):
        assert await asyncio.to_thread(ask, tmp_path, "double", {"number": 2}) == {"double": 4}


async def test_errors_come_back_with_code_and_exit_code(tmp_path: Path) -> None:
    async with console(tmp_path):
        with pytest.raises(ConsoleError) as caught:
            await asyncio.to_thread(ask, tmp_path, "refuse")
        error = caught.value
        assert (error.what, error.why, error.next, error.code, error.exit_code) == (
            "no", "a rule", "ask somebody", "NO-1", 5,
        )  # fmt: skip
        with pytest.raises(ConsoleError, match="knows no 'fly'"):
            await asyncio.to_thread(ask, tmp_path, "fly")
        with pytest.raises(ConsoleError, match="broken on purpose"):
            await asyncio.to_thread(ask, tmp_path, "crash")
        assert await asyncio.to_thread(ask, tmp_path, "double", {"number": 3}) == {"double": 6}


async def test_a_slow_answer_ends_in_time(tmp_path: Path) -> None:
    async with console(tmp_path, ConsoleLimits(answer_seconds=0.1)):
        with pytest.raises(ConsoleError) as caught:
            await asyncio.to_thread(ask, tmp_path, "dawdle")
        assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "request_bytes",
    [b"\n", b"[]\n", b"{}\n", b'{"verb": 1}\n', b'"x"\n', b"\xff\n", b'{"verb":"double","arguments":7}\n'],
)
async def test_nonsense_ends_that_connection_only(tmp_path: Path, request_bytes: bytes) -> None:
    def send() -> bytes:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(3)
            sock.connect(str(socket_folder(tmp_path) / SOCKET_FILE))
            sock.sendall(request_bytes)
            return sock.makefile("rb").read()

    async with console(tmp_path):
        answer = await asyncio.to_thread(send)
        assert not answer or "error" in json.loads(answer)
        assert await asyncio.to_thread(ask, tmp_path, "double", {"number": 3}) == {"double": 6}


def test_nobody_runs(tmp_path: Path) -> None:
    with pytest.raises(NotReachableError) as caught:
        ask(tmp_path, "double")
    assert caught.value.exit_code == 4
    assert "start it first" in caught.value.diagnostics()
