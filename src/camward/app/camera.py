"""A camera: its state, its media, its streams and pages, put together and kept running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from camward.access import Device
from camward.app.console import Console, Verb
from camward.app.device import Ground, open_ground
from camward.app.doors import LiveDoor
from camward.app.listeners import close_all, doors_of, https_door, open_all, rtsp_door
from camward.app.places import Places
from camward.app.process import run_process
from camward.app.registry import Part, run_parts
from camward.app.settings import CameraSettings
from camward.app.verbs import device_verbs
from camward.camera.media import CameraMedia
from camward.door.http import HttpHost
from camward.rtsp.aio.server import RtspServer
from camward.web.camera.app import CameraParts, camera_app


def run_camera(state: Path, source: str, *, places: Places = Places(), tied: bool = False) -> None:
    """Run a camera until it is told to stop.

    Args:
        state: its folder; made on the first call.
        source: `file:PATH`, `v4l2:/dev/video0`, `rtsp://…`, `rtsps://…` or `test:`.
        places: listeners as the command line has them.
        tied: stop when standard input ends.

    Raises:
        CamwardError: it can't start: a port in use, a state of another device, a source that is none.
    """
    run_process(partial(_serve, state, source, places=places), tied=tied)


async def _serve(state: Path, source: str, stop: asyncio.Event, *, places: Places) -> None:
    with open_ground(state, Device.CAMERA, CameraSettings) as ground:
        settings = ground.settings
        media = CameraMedia(source, settings=lambda: settings.current.media, clock=ground.clock, events=ground.events)
        rtsp = RtspServer(
            stream=media.streams.get,
            access=ground.access,
            clock=ground.clock,
            plain=lambda: settings.current.network.rtsp.plain,
        )
        rtsp_place = rtsp_door(ground, places.rtsp, rtsp.protocol)
        web = HttpHost(camera_app(_parts(ground, media, rtsp_place)))
        doors = doors_of(https_door(ground, places.https, web), places, rtsp=rtsp_place)
        console = Console(state, _verbs(ground, media, doors))
        unfollow = _follow(ground, media, doors)
        try:
            open_all(ground, doors, console)
            await run_parts(camera_parts(ground, media, console, doors), stop=stop)
        finally:
            unfollow()
            close_all(doors, console)
            await rtsp.close()
            await web.close()


def _parts(ground: Ground[CameraSettings], media: CameraMedia, rtsp: LiveDoor) -> CameraParts:
    return CameraParts(
        access=ground.access,
        settings=ground.settings,
        media=media,
        journal=ground.journal,
        identity=ground.identity,
        clock=ground.clock,
        events=ground.events,
        rtsp_port=lambda: rtsp.port,
    )


def _verbs(ground: Ground[CameraSettings], media: CameraMedia, doors: Mapping[str, LiveDoor]) -> dict[str, Verb]:
    async def status(_: Mapping[str, object]) -> object:
        return asdict(media.status)

    return {**device_verbs(ground, doors=doors), "status": status}


def camera_parts(
    ground: Ground[CameraSettings], media: CameraMedia, console: Console, doors: Mapping[str, LiveDoor]
) -> tuple[Part, ...]:
    """THE list of what runs in a camera."""
    return (
        Part("media", media.run),
        Part("certificate", ground.keep_certificate),
        Part("console", console.run),
        *(Part(name, door.run) for name, door in doors.items()),
    )


def _follow(ground: Ground[CameraSettings], media: CameraMedia, doors: Mapping[str, LiveDoor]) -> Callable[[], None]:
    """Tell the parts of changed settings: each follows by itself, and nothing else restarts."""
    loop = asyncio.get_running_loop()

    def changed(old: CameraSettings, new: CameraSettings) -> None:
        if old.media != new.media:
            media.apply(new.media)
        if old.network != new.network:
            for door in doors.values():
                door.follow()

    def tell(old: CameraSettings, new: CameraSettings) -> None:
        loop.call_soon_threadsafe(changed, old, new)

    return ground.settings.subscribe(tell)
