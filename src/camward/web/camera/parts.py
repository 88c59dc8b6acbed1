"""What the camera's pages are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from camward.access import Access
from camward.base.clock import Clock
from camward.base.events import EventBus
from camward.camera.media import CameraMedia
from camward.journal import Journal
from camward.trust import DeviceIdentity
from camward.web.site import SettingsTree


@dataclass(frozen=True, slots=True)
class CameraParts:
    """The rooms of a running camera.

    Args:
        rtsp_port: the port of the streams as it is open now.
    """

    access: Access
    settings: SettingsTree
    media: CameraMedia
    journal: Journal
    identity: DeviceIdentity
    clock: Clock
    events: EventBus
    rtsp_port: Callable[[], int]


def parts_of(connection: HTTPConnection) -> CameraParts:
    """The parts of the camera that serves this connection."""
    parts = connection.app.state.parts
    assert isinstance(parts, CameraParts)
    return parts


Parts = Annotated[CameraParts, Depends(parts_of)]
"""Parameter of an endpoint: the camera's parts."""
