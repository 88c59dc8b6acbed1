"""The listeners of devices, each as its settings or the command line say now. Nothing else listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from camward.app.console import Console
from camward.app.device import Ground
from camward.app.doors import LiveDoor
from camward.app.places import Place, Places
from camward.app.redirect import redirect_app
from camward.app.settings import CameraSettings, RecorderSettings
from camward.door.acceptor import Listener
from camward.door.http import PLAIN_REFUSAL, HttpHost
from camward.rtsp.aio.server import PLAIN_REFUSED

log = structlog.get_logger(__name__)

Protocol = Callable[[], asyncio.BaseProtocol]


def https_door(
    ground: Ground[CameraSettings] | Ground[RecorderSettings], place: Place | None, web: HttpHost
) -> LiveDoor:
    """Pages and API."""

    def listener() -> Listener:
        wanted = ground.settings.current.network.https
        at = place or Place(wanted.address, wanted.port)
        return Listener("HTTPS", at.address, at.port, web.protocol, ground.tls, plain_refusal=PLAIN_REFUSAL)

    return LiveDoor(listener)


def rtsp_door(ground: Ground[CameraSettings], place: Place | None, protocol: Protocol) -> LiveDoor:
    """Streams; TLS and plain told apart by the first byte."""

    def plain() -> bool:
        return ground.settings.current.network.rtsp.plain

    def listener() -> Listener:
        wanted = ground.settings.current.network.rtsp
        at = place or Place(wanted.address, wanted.port)
        return Listener("RTSP", at.address, at.port, protocol, ground.tls, plain=plain, plain_refusal=PLAIN_REFUSED)

    return LiveDoor(listener)


def http_door(place: Place, *, https: Callable[[], int]) -> LiveDoor:
    """Plain HTTP that sends browsers to HTTPS; open only if the command line asks for it."""
    host = HttpHost(redirect_app(https))
    return LiveDoor(lambda: Listener("HTTP", place.address, place.port, host.protocol, None))


def doors_of(https: LiveDoor, places: Places, **others: LiveDoor) -> dict[str, LiveDoor]:
    """All doors of a device by name, the plain one among them if it was asked for."""
    doors = {"https": https, **others}
    if places.http is not None:
        doors["http"] = http_door(places.http, https=lambda: https.port)
    return doors


def open_all(
    ground: Ground[CameraSettings] | Ground[RecorderSettings], doors: Mapping[str, LiveDoor], console: Console
) -> None:
    """Listen everywhere, then say so: whoever reads "ready" finds ports and console open.

    Raises:
        PortError: a port is in use or not ours to open.
    """
    for door in doors.values():
        door.open()
    console.open()
    ports = {name: door.port for name, door in doors.items()}
    log.info(f"{ground.kind}_ready", serial=ground.identity.serial, claimed=ground.access.claimed, **ports)
    ground.tell_problems()


def close_all(doors: Mapping[str, LiveDoor], console: Console) -> None:
    """Stop listening."""
    console.close()
    for door in doors.values():
        door.close()
