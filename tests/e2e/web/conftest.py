"""A real camera behind the real door on a free port: state, access, settings, media, pages; nothing is a stand-in."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI

from camward.access import Device, Role, Scope
from camward.app.device import Ground, open_ground
from camward.app.settings import CameraSettings
from camward.base.secret import Secret
from camward.camera.media import CameraMedia
from camward.door.acceptor import Door, Listener
from camward.door.http import PLAIN_REFUSAL, HttpHost
from camward.trust import server_context
from camward.web.camera.app import CameraParts, camera_app

PASSWORD = "seven quiet herons wade"
ADMINISTRATOR = "petra"

Answer = tuple[int, Any, "aiohttp.typedefs.CIMultiDictProxy[str]"]


@dataclass
class RunningCamera:
    """A camera that answers at `url`."""

    app: FastAPI
    ground: Ground[CameraSettings]
    media: CameraMedia
    url: str

    @property
    def code(self) -> str:
        code = self.ground.access.claim.code()
        assert code is not None
        return code.reveal()

    async def make_administrator(self) -> None:
        await self.ground.access.claim.make_administrator(
            Secret(self.code), ADMINISTRATOR, Secret(PASSWORD), address="127.0.0.1"
        )

    async def add_user(self, name: str, role: Role) -> None:
        await self.ground.access.accounts.add(name, Secret(PASSWORD), role, by=ADMINISTRATOR)

    async def add_client(self, name: str, scope: Scope = Scope.STREAMS) -> str:
        return (await self.ground.access.clients.add(name, scope, by=ADMINISTRATOR)).reveal()


class Browser:
    """What a browser would send: a cookie jar, and the token with each change."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url
        self.csrf = ""

    async def log_in(self, name: str, password: str = PASSWORD) -> None:
        status, body, _ = await self.ask("POST", "/api/v1/session", json={"name": name, "password": password})
        assert status == 200, body
        self.csrf = body["csrf"]

    async def ask(self, method: str, path: str, *, accept: str = "application/json", **more: Any) -> Answer:
        headers = {"Accept": accept, **more.pop("headers", {})}
        if self.csrf and method != "GET":
            headers.setdefault("X-CSRF-Token", self.csrf)
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        ) as response:
            data = await response.read()
            body = await response.json() if "json" in response.headers.get("Content-Type", "") else data
            return response.status, body, response.headers


@contextlib.asynccontextmanager
async def running_camera(state: Path, footage: Path, *, pictures: bool) -> AsyncIterator[RunningCamera]:
    with open_ground(state, Device.CAMERA, CameraSettings) as ground:
        media = CameraMedia(
            f"file:{footage / 'cup-with-audio.mp4'}",
            settings=lambda: ground.settings.current.media,
            clock=ground.clock,
            events=ground.events,
        )
        app = camera_app(
            CameraParts(
                access=ground.access,
                settings=ground.settings,
                media=media,
                journal=ground.journal,
                identity=ground.identity,
                clock=ground.clock,
                events=ground.events,
                rtsp_port=lambda: 554,
            )
        )
        host = HttpHost(app)
        tls = server_context(ground.identity.tls_chain_path, ground.identity.tls_key.path)
        door = Door([Listener("HTTPS", "127.0.0.1", 0, host.protocol, tls, plain_refusal=PLAIN_REFUSAL)])
        door.open()
        loop = asyncio.get_running_loop()
        ground.settings.subscribe(lambda _, new: loop.call_soon_threadsafe(media.apply, new.media) and None)
        running = [asyncio.create_task(door.serve())]
        if pictures:
            running.append(asyncio.create_task(media.run()))
        try:
            yield RunningCamera(app, ground, media, f"https://127.0.0.1:{door.port('HTTPS')}")
        finally:
            await host.close()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
async def camera(tmp_path: Path, footage: Path) -> AsyncIterator[RunningCamera]:
    """An unclaimed camera whose source has not been started."""
    async with running_camera(tmp_path / "camera", footage, pictures=False) as made:
        yield made


@pytest.fixture
async def claimed(camera: RunningCamera) -> RunningCamera:
    """The same with an administrator."""
    await camera.make_administrator()
    return camera


@pytest.fixture
async def picturing(tmp_path: Path, footage: Path) -> AsyncIterator[RunningCamera]:
    """An unclaimed camera with a picture."""
    async with running_camera(tmp_path / "camera", footage, pictures=True) as made:
        yield made


OpenBrowser = Callable[[], Awaitable[Browser]]


@pytest.fixture
async def browser_of() -> AsyncIterator[Callable[[RunningCamera], Awaitable[Browser]]]:
    """Makes browsers of a camera, each with a jar of its own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with contextlib.AsyncExitStack() as stack:

        async def made(camera: RunningCamera) -> Browser:
            opened: AbstractAsyncContextManager[aiohttp.ClientSession] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context), cookie_jar=aiohttp.CookieJar(unsafe=True)
            )
            return Browser(await stack.enter_async_context(opened), camera.url)

        yield made
