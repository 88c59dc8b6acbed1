"""A whole recorder on a temporary state: real recorder, accounts, pages, over TLS; footage instead of a camera."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page

from camward.access import Access, Device, HashCost, Role
from camward.app.settings import RecorderSettings
from camward.base.clock import NS, SystemClock, Utc
from camward.base.errors import NotReachableError
from camward.base.events import EventBus
from camward.base.secret import Secret
from camward.base.settings_store import SettingsStore
from camward.door.http import HttpHost
from camward.journal import Journal
from camward.media.unit import VIDEO_CLOCK, AccessUnit
from camward.recorder import CameraEntry, Recorder
from camward.rtsp.aio.client import RtspClient
from camward.trust import DeviceIdentity, server_context
from camward.web.recorder.app import RecorderParts, recorder_app

from .conftest import Clip

PASSWORD = "correct horse battery 47 staple"
PAST = 40
"""Seconds of footage that each camera has recorded before the tests begin; they ended a minute ago."""


class FootageCamera:
    """Stands at the place of the RTSP client: footage of a minute ago, a lost connection, then live pictures."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.connections: dict[str, int] = {}
        self.reachable = True

    def __call__(self, url: str, sink: object, **_: object) -> FootageClient:
        return FootageClient(self, url, sink)


class FootageClient:
    """One connection."""

    def __init__(self, camera: FootageCamera, url: str, sink: object) -> None:
        self.camera, self.url, self.sink = camera, url, sink

    def set_low_delay(self, on: bool) -> None:
        """Nothing to do."""

    async def run(self) -> None:
        """See `RtspClient.run`."""
        if not self.camera.reachable:
            raise NotReachableError("The camera did not answer", next="check its network")
        number = self.camera.connections[self.url] = self.camera.connections.get(self.url, 0) + 1
        clip = self.camera.clip
        self.sink.on_format(clip.form)
        now = SystemClock().utc()
        if number == 1 and self.url.endswith("/stream1"):
            start = now - (PAST + 60) * NS
            for unit in clip.units:
                if unit.ticks < PAST * VIDEO_CLOCK:
                    self.sink.on_unit(moved(unit, start=start))
                    await asyncio.sleep(0.001)
            raise NotReachableError("The connection was lost")
        for unit in clip.units:
            due = now + unit.ticks * NS // VIDEO_CLOCK
            await asyncio.sleep(max(0.0, (due - SystemClock().utc()) / NS))
            if not self.camera.reachable:
                raise NotReachableError("The connection was lost")
            self.sink.on_unit(moved(unit, start=now))
        raise NotReachableError("The footage is over")


def moved(unit: AccessUnit, *, start: int) -> AccessUnit:
    """The same picture, captured at another time."""
    return dataclasses.replace(unit, utc=Utc(start + unit.ticks * NS // VIDEO_CLOCK))


@dataclass
class RecorderSite:
    """What a test needs of the running recorder."""

    url: str
    parts: RecorderParts
    camera: FootageCamera
    started: Utc
    users: dict[str, str] = field(default_factory=dict)

    async def login(self, browser: Browser, name: str = "admin", **context: object) -> Page:
        """A page of somebody who is logged in; it fails the test when a script of ours fails."""
        made = await browser.new_context(ignore_https_errors=True, **context)
        page = await made.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
        await page.goto(f"{self.url}/healthz")
        status = await page.evaluate(
            """async form => (await fetch('/api/v1/session', {
              method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(form),
            })).status""",
            {"name": name, "password": PASSWORD},
        )
        assert status == 200
        return page


@contextlib.asynccontextmanager
async def recorder_site(
    state: Path, clip: Clip, *, cameras: int = 2, owner_key: bytes | None = None
) -> AsyncIterator[RecorderSite]:
    """A recorder whose cameras have recorded `PAST` seconds and go on; with none it connects to real ones."""
    clock, events, camera = SystemClock(), EventBus(), FootageCamera(clip)
    identity = DeviceIdentity.load_or_create(state, name="Recorder", now=clock.utc(), addresses=["127.0.0.1"])
    journal = Journal(state / "journal", clock)
    settings = SettingsStore(RecorderSettings, state / "settings.toml", clock=clock, journal=lambda change: None)
    access = Access(
        state,
        device=Device.RECORDER,
        clock=clock,
        journal=journal,
        settings=lambda: settings.current.access,
        fingerprint=identity.fingerprint,
        events=events,
        cost=HashCost(memory=1024, passes=1),
    )
    await access.claim.make_administrator(
        access.claim.code(), "admin", Secret(PASSWORD), owner_key, address="127.0.0.1"
    )
    recorder = Recorder(
        state,
        settings=settings,
        clock=clock,
        events=events,
        recorder_id="CW-TEST-1",
        journal=journal,
        client_factory=camera if cameras else RtspClient,
    )
    settings.set({"device.name": "Test yard"}, who="test")
    parts = RecorderParts(access, settings, recorder, journal, identity, clock, events)
    app = recorder_app(parts)
    host = HttpHost(app)
    server = await asyncio.get_running_loop().create_server(host.protocol, "127.0.0.1", 0, ssl=context(identity))
    running = asyncio.create_task(recorder.run())
    try:
        await asyncio.wait_for(recorder.started.wait(), 10)
        names = ["Loading dock", "Car park", "Fence north", "Gate"][:cameras]
        ids = [await add(recorder, name) for name in names]
        site = RecorderSite(
            f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", parts, camera, clock.utc(),
            dict(zip(names, ids, strict=True)),
        )  # fmt: skip
        await recorded(site, ids)
        yield site
    finally:
        server.close()
        await host.close()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        parts.log.close()
        access.close()
        journal.close()


async def add(recorder: Recorder, name: str) -> str:
    """A camera of footage, into the book."""
    number = len(recorder.cameras.list()) + 1
    entry = CameraEntry(
        name=name, url=f"rtsp://camera{number}.test/stream1", stream2_url=f"rtsp://camera{number}.test/stream2"
    )
    return await recorder.cameras.add(entry, None, who="admin")


async def recorded(site: RecorderSite, ids: list[str]) -> None:
    """Wait until the past is on the disk, and the cameras are back."""
    recorder, now = site.parts.recorder, site.parts.clock.utc()
    async with asyncio.timeout(20):
        for camera_id in ids:
            while True:
                spans = await recorder.spans(camera_id, Utc(now - 300 * NS), now, stream="stream1")
                seconds = sum((span.to_utc - span.from_utc) / NS for span in spans if span.state == "recorded")
                if seconds >= PAST - 0.3 and recorder.status(camera_id).state == "recording":
                    break
                await asyncio.sleep(0.1)


async def viewer(site: RecorderSite, name: str, cameras: list[str] | None, role: Role = Role.VIEWER) -> None:
    """An account with few rights."""
    await site.parts.access.accounts.add(name, Secret(PASSWORD), role, cameras, by="admin")


def context(identity: DeviceIdentity) -> ssl.SSLContext:
    """Of the server."""
    return server_context(identity.folder / "tls.pem", identity.folder / "tls-key.pem")
