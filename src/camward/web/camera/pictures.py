"""Pictures of the camera: the live socket, snapshots, and the picture settings that a camera controller may change."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query, Response, WebSocket
from pydantic import BaseModel, Field

from camward.access import Action
from camward.base.errors import ConfigurationError
from camward.base.setting_info import plain
from camward.web.admission import Visitor, Who, still_may
from camward.web.api.settings import setting_json
from camward.web.camera.parts import Parts, parts_of
from camward.web.live import serve_live
from camward.web.routing import Routes
from camward.web.site import site_of

routes = Routes()

PICTURE_PATHS = ("media.source.brightness", "media.source.contrast", "media.source.saturation",
                 "media.overlay.", "media.privacy.")  # fmt: skip
"""What level 2 may change: the picture, not the device."""
DEFAULT_STREAM = "stream1"

StreamName = Annotated[str, Query(max_length=16)]


class PictureChanges(BaseModel):
    """Dotted path of a picture setting -> its new value; null: the default holds again."""

    changes: dict[str, Any] = Field(min_length=1, max_length=50)


@routes.socket("/live", Action.LIVE, resource="stream")
async def live(websocket: WebSocket, visitor: Visitor) -> None:
    """The live picture; see `camward.web.live`."""
    parts, site = parts_of(websocket), site_of(websocket)
    name = websocket.query_params.get("stream", DEFAULT_STREAM)
    stream = parts.media.streams.get(name)
    if stream is None:
        await websocket.close(1008)
        return
    await serve_live(
        websocket,
        stream,
        clock=parts.clock,
        still=lambda: still_may(site, visitor, Action.LIVE, name),
        form=websocket.query_params.get("form", ""),
    )


@routes.file("/snapshot.jpg", Action.SNAPSHOT, resource="stream")
async def snapshot(parts: Parts, stream: StreamName = DEFAULT_STREAM) -> Response:
    """The newest picture."""
    return Response(await parts.media.snapshot(stream), media_type="image/jpeg")


@routes.get("/api/v1/picture", Action.PICTURE)
async def picture(parts: Parts) -> dict[str, object]:
    """The picture settings, and which of them this source has."""
    return {
        "controls": list(parts.media.status.controls),
        "settings": [setting_json(info) for info in parts.settings.describe() if info.path.startswith(PICTURE_PATHS)],
    }


@routes.patch("/api/v1/picture", Action.PICTURE)
async def change_picture(parts: Parts, who: Who, form: PictureChanges) -> dict[str, object]:
    """Change brightness, contrast, saturation, overlay or privacy zones."""
    for path in form.changes:
        if not path.startswith(PICTURE_PATHS):
            raise ConfigurationError(
                f'"{path[:64]}" is not a picture setting', next="an administrator sets it in Setup"
            )
    await asyncio.to_thread(parts.settings.set, form.changes, who=who.principal.name)
    return {
        "values": {info.path: plain(info.current) for info in parts.settings.describe() if info.path in form.changes}
    }
