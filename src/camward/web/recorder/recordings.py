"""API of what was recorded: spans and gaps, media for the player, download of a range, pins."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from camward.access.table import Action
from camward.recorder import MediaRange, PinnedRange, Span
from camward.web.admission import NotAllowedError, Who
from camward.web.errors import NotFoundError
from camward.web.recorder.parts import Parts, RecorderParts
from camward.web.recorder.refusals import refusals
from camward.web.recorder.times import Range, iso, milliseconds, read_range
from camward.web.routing import Routes

routes = Routes()

HOUR = 3600.0
SPANS_LONGEST = 32 * 24 * HOUR
MEDIA_LONGEST = 24 * HOUR
EXPORT_LONGEST = 7 * 24 * HOUR
EDGE_LONGEST = 200 * 366 * 24 * HOUR
MP4 = "video/mp4"

From = Annotated[str, Query(alias="from", description="start: milliseconds since 1970, or RFC 3339", max_length=40)]
To = Annotated[str, Query(alias="to", description="end, not included: likewise", max_length=40)]
Stream = Annotated[int, Query(ge=1, le=2, description="1: the main stream; 2: the small one, recorded beside H.265")]


class SpanView(BaseModel):
    """A stretch of the timeline; times are milliseconds since 1970."""

    from_: float = Field(alias="from", serialization_alias="from")
    to: float
    state: str = Field(description="recorded, or why not: camera_off, network, recorder_off, storage, unknown, future")
    reason: str = Field(description="one sentence where the recorder knows it")


class SpansView(BaseModel):
    """A range without holes: what is recorded, and each gap."""

    camera: str
    spans: list[SpanView]


class EdgeView(BaseModel):
    """The first or last recorded stretch of a range; null when nothing is recorded."""

    span: SpanView | None


class KeyPicturesView(BaseModel):
    """When the key pictures of a range were captured, milliseconds since 1970."""

    times: list[float]


class SizeView(BaseModel):
    """What a range weighs as MP4."""

    bytes: int
    start: float | None = Field(description="time of its first picture, milliseconds since 1970")
    end: float | None
    complete: bool = Field(description="false: the coding changes within; the file ends there")


class PinView(BaseModel):
    """A range that is not deleted."""

    id: str
    camera: str
    from_: float = Field(alias="from", serialization_alias="from")
    to: float
    reason: str
    by: str


class NewPin(BaseModel):
    """A range to keep."""

    camera: str = Field(max_length=64)
    from_: float = Field(alias="from", ge=0, description="milliseconds since 1970")
    to: float = Field(ge=0)
    reason: str = Field(default="", max_length=200)


@routes.get("/api/v1/cameras/{camera_id}/spans", Action.RECORDED, resource="camera_id")
async def spans(parts: Parts, camera_id: str, start: From, end: To, stream: Stream = 1) -> SpansView:
    """What is recorded of a camera within a range, and each gap with its reason; without holes."""
    wanted = read_range(start, end, longest=SPANS_LONGEST)
    await _known(parts, camera_id)
    found = await parts.recorder.spans(camera_id, wanted.start, wanted.end, stream=f"stream{stream}")
    return SpansView(camera=camera_id, spans=[_span_view(span) for span in found])


@routes.get("/api/v1/cameras/{camera_id}/edge", Action.RECORDED, resource="camera_id")
async def edge(
    parts: Parts, camera_id: str, start: From, end: To, which: Literal["first", "last"], stream: Stream = 1
) -> EdgeView:
    """Where the recording goes on after a gap (`first`), or where it ended before one (`last`)."""
    wanted = read_range(start, end, longest=EDGE_LONGEST)
    await _known(parts, camera_id)
    found = await parts.recorder.edge(
        camera_id, wanted.start, wanted.end, last=which == "last", stream=f"stream{stream}"
    )
    return EdgeView(span=None if found is None else _span_view(found))


@routes.get("/api/v1/cameras/{camera_id}/key-pictures", Action.RECORDED, resource="camera_id")
async def key_pictures(parts: Parts, camera_id: str, start: From, end: To, stream: Stream = 1) -> KeyPicturesView:
    """When the key pictures of a range were captured."""
    wanted = read_range(start, end, longest=MEDIA_LONGEST)
    await _known(parts, camera_id)
    found = await parts.recorder.key_pictures(camera_id, wanted.start, wanted.end, stream=f"stream{stream}")
    return KeyPicturesView(times=[milliseconds(utc) for utc in found])


@routes.get("/api/v1/cameras/{camera_id}/media", Action.RECORDED, resource="camera_id")
async def media(parts: Parts, camera_id: str, start: From, end: To, stream: Stream = 1) -> Response:
    """Fragmented MP4 from the key picture at or before `from`; 204 when nothing is recorded in the range.

    Each fragment's `prft` tells its capture time. Where the coding changes, a new `moov` follows.
    """
    wanted = read_range(start, end, longest=MEDIA_LONGEST)
    found = await _media(parts, camera_id, wanted, stream=stream, one_init=False)
    if found.size == 0:
        return Response(status_code=204)
    return StreamingResponse(_chunks(found), media_type=MP4, headers={"Content-Length": str(found.size)})


@routes.get("/api/v1/cameras/{camera_id}/size", Action.RECORDED, resource="camera_id")
async def size(parts: Parts, camera_id: str, start: From, end: To, stream: Stream = 1) -> SizeView:
    """How large the download of a range is, and where it really starts and ends."""
    wanted = read_range(start, end, longest=EXPORT_LONGEST)
    found = await _media(parts, camera_id, wanted, stream=stream, one_init=True)
    if found.size == 0:
        return SizeView(bytes=0, start=None, end=None, complete=True)
    return SizeView(
        bytes=found.size,
        start=milliseconds(found.first_utc),
        end=milliseconds(found.end_utc),
        complete=found.complete,
    )


@routes.get("/api/v1/cameras/{camera_id}/export.mp4", Action.EXPORT, resource="camera_id")
async def export(parts: Parts, who: Who, camera_id: str, start: From, end: To, stream: Stream = 1) -> Response:
    """A range as an MP4 file that every player plays. It is journalled who took what."""
    wanted = read_range(start, end, longest=EXPORT_LONGEST)
    found = await _media(parts, camera_id, wanted, stream=stream, one_init=True)
    if found.size == 0:
        raise NotFoundError(
            "Nothing is recorded in this range", next="the timeline shows what is", code="NOTHING-RECORDED"
        )
    await parts.journal.record(
        "recording_downloaded",
        who=who.principal.name,
        where=who.address,
        what=f"Downloaded {camera_id} from {iso(wanted.start)} to {iso(wanted.end)}",
        details={"camera": camera_id, "from": iso(wanted.start), "to": iso(wanted.end), "bytes": found.size},
    )
    name = f"{camera_id}-{re.sub(r'[:.]', '-', iso(wanted.start))}.mp4"
    headers = {"Content-Length": str(found.size), "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_chunks(found), media_type=MP4, headers=headers)


@routes.get("/api/v1/pins", Action.CAMERAS_READ)
async def pins(parts: Parts, who: Who) -> list[PinView]:
    """Ranges that are not deleted."""
    return [pin_view(pin) for pin in parts.recorder.pins.list() if who.may(Action.CAMERAS_READ, pin.camera_id)]


@routes.post("/api/v1/pins", Action.CAMERAS_READ, status=201)
async def add_pin(parts: Parts, who: Who, new: NewPin) -> PinView:
    """Keep a range, however full the disk gets."""
    require(who, Action.PIN, new.camera)
    await _known(parts, new.camera)
    wanted = read_range(str(new.from_), str(new.to), longest=SPANS_LONGEST)
    made = await parts.recorder.pins.pin(new.camera, wanted.start, wanted.end, reason=new.reason, by=who.principal.name)
    return pin_view(made)


@routes.delete("/api/v1/pins/{pin_id}", Action.CAMERAS_READ)
async def remove_pin(parts: Parts, who: Who, pin_id: str) -> Response:
    """Let go of a range: it is deleted when its days are over."""
    found = next((pin for pin in parts.recorder.pins.list() if str(pin.id) == pin_id), None)
    if found is None or not who.may(Action.CAMERAS_READ, found.camera_id):
        raise NotFoundError("There is no such kept range", next="see the list on the page Cameras")
    require(who, Action.PIN, found.camera_id)
    await parts.recorder.pins.unpin(found.id)
    return Response(status_code=204)


def pin_view(pin: PinnedRange) -> PinView:
    """A pin as the API tells it."""
    return PinView.model_validate(
        {
            "id": str(pin.id),
            "camera": pin.camera_id,
            "from": milliseconds(pin.from_utc),
            "to": milliseconds(pin.to_utc),
            "reason": pin.reason,
            "by": pin.by,
        }
    )


def require(who: Who, action: Action, camera_id: str) -> None:
    """For calls that name their camera in the body.

    Raises:
        NotAllowedError: they may not.
    """
    if not who.may(action, camera_id):
        raise NotAllowedError(who.principal)


def _span_view(span: Span) -> SpanView:
    return SpanView.model_validate(
        {
            "from": milliseconds(span.from_utc),
            "to": milliseconds(span.to_utc),
            "state": span.state.value,
            "reason": span.reason,
        }
    )


async def _media(parts: RecorderParts, camera_id: str, wanted: Range, *, stream: int, one_init: bool) -> MediaRange:
    await _known(parts, camera_id)
    with refusals():
        return await parts.recorder.media(
            camera_id, wanted.start, wanted.end, stream=f"stream{stream}", one_init=one_init
        )


async def _known(parts: RecorderParts, camera_id: str) -> None:
    """A camera of the book, or one that left it and whose recordings are still here."""
    if camera_id in parts.recorder.cameras.list():
        return
    report = await parts.recorder.storage()
    if not any(camera.camera_id == camera_id for camera in report.cameras):
        raise NotFoundError(f'There is no camera "{camera_id[:40]}"', next="see the list of cameras")


async def _chunks(found: MediaRange) -> AsyncIterator[bytes]:
    async for chunk in found.chunks():
        yield chunk
