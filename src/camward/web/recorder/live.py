"""The recorder's live socket: /live?camera=ID&stream=stream2."""

from __future__ import annotations

from fastapi import WebSocket

from camward.access.table import Action
from camward.web.admission import Visitor, still_may
from camward.web.live import serve_live
from camward.web.recorder.parts import parts_of
from camward.web.routing import Routes
from camward.web.site import site_of

routes = Routes()

STREAMS = ("stream1", "stream2")
POLICY_VIOLATION = 1008


@routes.socket("/live", Action.LIVE, resource="camera")
async def live(websocket: WebSocket, visitor: Visitor) -> None:
    """Pictures of one camera as they come; see `web.live` for the messages."""
    parts = parts_of(websocket)
    camera = websocket.query_params.get("camera", "")
    wanted = websocket.query_params.get("stream", "stream1")
    entry = parts.recorder.cameras.list().get(camera)
    if entry is None or wanted not in STREAMS:
        await websocket.close(POLICY_VIOLATION)
        return
    name = wanted if entry.second_url is not None else "stream1"

    site = site_of(websocket)
    await serve_live(
        websocket,
        parts.recorder.live(camera, name),
        clock=parts.clock,
        still=lambda: still_may(site, visitor, Action.LIVE, camera),
        form=websocket.query_params.get("form", ""),
    )
