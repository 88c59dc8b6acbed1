"""A recorder: its state, its cameras and recordings, its pages, put together and kept running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from camward.access import Device
from camward.app.console import Console
from camward.app.device import Ground, open_ground
from camward.app.doors import LiveDoor
from camward.app.listeners import close_all, doors_of, https_door, open_all
from camward.app.places import Places
from camward.app.process import run_process
from camward.app.recorder_verbs import recorder_verbs
from camward.app.registry import Part, run_parts
from camward.app.settings import RecorderSettings
from camward.app.verbs import device_verbs
from camward.door.http import HttpHost
from camward.recorder import Recorder
from camward.web.recorder.app import recorder_app
from camward.web.recorder.parts import RecorderParts


def run_recorder(state: Path, *, places: Places = Places(), tied: bool = False) -> None:
    """Run a recorder until it is told to stop; what was received is flushed then.

    Args:
        state: its folder; made on the first call.
        places: listeners as the command line has them.
        tied: stop when standard input ends.

    Raises:
        CamwardError: it can't start: a port in use, a state of another device.
    """
    run_process(partial(_serve, state, places=places), tied=tied)


async def _serve(state: Path, stop: asyncio.Event, *, places: Places) -> None:
    with open_ground(state, Device.RECORDER, RecorderSettings) as ground:
        recorder = Recorder(
            state,
            settings=ground.settings,
            clock=ground.clock,
            events=ground.events,
            recorder_id=ground.identity.serial,
            journal=ground.journal,
        )
        parts = RecorderParts(
            access=ground.access,
            settings=ground.settings,
            recorder=recorder,
            journal=ground.journal,
            identity=ground.identity,
            clock=ground.clock,
            events=ground.events,
        )
        web = HttpHost(recorder_app(parts))
        doors = doors_of(https_door(ground, places.https, web), places)
        console = Console(state, {**device_verbs(ground, doors=doors), **recorder_verbs(ground, recorder)})
        unfollow = _follow(ground, doors)
        try:
            open_all(ground, doors, console)
            await run_parts(recorder_parts(ground, recorder, console, doors), stop=stop)
        finally:
            unfollow()
            close_all(doors, console)
            await web.close()
            parts.log.close()


def recorder_parts(
    ground: Ground[RecorderSettings], recorder: Recorder, console: Console, doors: Mapping[str, LiveDoor]
) -> tuple[Part, ...]:
    """THE list of what runs in a recorder."""
    return (
        Part("recorder", recorder.run),
        Part("certificate", ground.keep_certificate),
        Part("console", console.run),
        *(Part(name, door.run) for name, door in doors.items()),
    )


def _follow(ground: Ground[RecorderSettings], doors: Mapping[str, LiveDoor]) -> Callable[[], None]:
    """Tell the doors of changed settings; the recorder follows its own sections by itself."""
    loop = asyncio.get_running_loop()

    def changed(old: RecorderSettings, new: RecorderSettings) -> None:
        if old.network != new.network:
            for door in doors.values():
                door.follow()

    def tell(old: RecorderSettings, new: RecorderSettings) -> None:
        loop.call_soon_threadsafe(changed, old, new)

    return ground.settings.subscribe(tell)
