"""API of the recorder's state and of its disk."""

from __future__ import annotations

from pydantic import BaseModel, Field

from camward.access.table import Action
from camward.base.clock import NS
from camward.recorder import CameraState
from camward.web.admission import Visitor, Who
from camward.web.recorder.health import headline, health_lines
from camward.web.recorder.parts import Parts, RecorderParts
from camward.web.recorder.shown import days_words
from camward.web.recorder.times import milliseconds
from camward.web.routing import Routes

routes = Routes()


class LineView(BaseModel):
    """One part."""

    part: str
    state: str
    icon: str
    tone: str
    text: str
    since: float | None
    href: str
    ill: bool


class StatusView(BaseModel):
    """How the recorder stands."""

    sentence: str
    well: bool
    recording: int = Field(description="cameras that are recorded now")
    cameras: int = Field(description="cameras that should be")
    now: float = Field(description="the recorder's clock, milliseconds since 1970")
    lines: list[LineView]


class CameraStorageView(BaseModel):
    """What one camera takes."""

    camera: str
    bytes: int
    oldest: float | None
    newest: float | None
    bytes_per_day: int
    keep_days: int


class StorageView(BaseModel):
    """The disk of recordings."""

    state: str
    reason: str
    total: int
    free: int
    used: int
    reserve: int = Field(description="bytes that are kept free")
    bytes_per_day: int
    days: float | None = Field(description="how many days of recordings fit")
    cameras: list[CameraStorageView]


@routes.get("/api/v1/status", Action.STATUS)
async def status(parts: Parts, who: Who) -> StatusView:
    """Each part with its state, and one sentence over all."""
    lines = health_lines(parts, who, await parts.recorder.storage())
    recording, cameras = counts(parts, who)
    sentence, well = headline(lines, cameras)
    return StatusView(
        sentence=sentence,
        well=well,
        recording=recording,
        cameras=cameras,
        now=milliseconds(parts.clock.utc()),
        lines=[
            LineView(
                part=line.part,
                state=line.word,
                icon=line.icon,
                tone=line.tone,
                text=line.text,
                since=None if line.since is None else milliseconds(line.since),
                href=line.href,
                ill=line.ill,
            )
            for line in lines
        ],
    )


@routes.get("/api/v1/storage", Action.STATUS)
async def storage(parts: Parts, who: Who) -> StorageView:
    """Space on the disk, and what each camera takes of it."""
    report = await parts.recorder.storage()
    return StorageView(
        state=report.state.value,
        reason=report.reason,
        total=report.total,
        free=report.free,
        used=report.used,
        reserve=report.reserve,
        bytes_per_day=report.bytes_per_day,
        days=report.days,
        cameras=[
            CameraStorageView(
                camera=one.camera_id,
                bytes=one.size,
                oldest=milliseconds(one.oldest) if one.size else None,
                newest=milliseconds(one.newest) if one.size else None,
                bytes_per_day=one.bytes_per_day,
                keep_days=one.keep_days,
            )
            for one in report.cameras
            if who.may(Action.CAMERAS_READ, one.camera_id)
        ],
    )


def counts(parts: RecorderParts, who: Visitor) -> tuple[int, int]:
    """How many cameras are recorded now, and how many should be, of those that a visitor may see."""
    seen = [one for one in parts.recorder.statuses() if who.may(Action.CAMERAS_READ, one.camera_id)]
    wanted = [one for one in seen if one.state is not CameraState.OFF]
    return sum(one.state is CameraState.RECORDING for one in wanted), len(wanted)


async def summary(parts: RecorderParts, who: Visitor) -> dict[str, object] | None:
    """What the bar of every page says; None while there is no camera."""
    recording, cameras = counts(parts, who)
    if not cameras:
        return None
    report = await parts.recorder.storage()
    oldest = [one.oldest for one in report.cameras if one.size and who.may(Action.CAMERAS_READ, one.camera_id)]
    kept = (parts.clock.utc() - min(oldest)) / NS / 86_400 if oldest else 0.0
    words = f"{kept:.0f} days kept" if kept >= 2 else ""
    return {
        "recording": recording,
        "all": cameras,
        "missing": recording < cameras,
        "days": words or (f"room for {days_words(report.days)}" if report.days else ""),
        "href": "/health" if who.may(Action.STATUS) else "/cameras",
    }
