"""API of events and alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from camward.access.table import Action
from camward.base.events import EventKind
from camward.web.admission import Visitor, Who
from camward.web.errors import NotFoundError
from camward.web.recorder.event_log import LoggedEvent, worst_first
from camward.web.recorder.parts import Parts, RecorderParts
from camward.web.recorder.shown import sentences
from camward.web.recorder.times import milliseconds
from camward.web.routing import Routes

routes = Routes()

WORDS: dict[EventKind, tuple[str, str]] = {
    EventKind.SIGNAL_LOST: ("No signal", "nosig"),
    EventKind.SIGNAL_BACK: ("Signal back", "camera"),
    EventKind.LOGIN_FAILED: ("Login refused", "lock"),
    EventKind.SETTINGS_BROKEN: ("Settings broken", "setup"),
    EventKind.STORAGE_FULL: ("Disk full", "recoff"),
    EventKind.STORAGE_FAILED: ("Disk failed", "recoff"),
    EventKind.STORAGE_BACK: ("Disk back", "card"),
    EventKind.CLOCK_JUMP: ("Clock jumped", "delay"),
    EventKind.CAMERA_UNREACHABLE: ("Not reachable", "net"),
    EventKind.CAMERA_BACK: ("Camera back", "camera"),
    EventKind.CERTIFICATE_EXPIRING: ("Certificate ends", "key"),
    EventKind.JOURNAL_BROKEN: ("Journal broken", "journal"),
}


class EventView(BaseModel):
    """Something that happened."""

    id: int
    kind: str
    word: str
    icon: str
    text: str
    at: float = Field(description="milliseconds since 1970")
    alarm: bool
    open: bool = Field(description="an alarm that nobody has acknowledged and that goes on")
    subject: str = Field(description="camera id, or empty")
    camera: str = Field(description="name of the camera, or empty")
    ended: float | None
    acknowledged: float | None
    by: str


class EventsView(BaseModel):
    """Events, newest first."""

    events: list[EventView]
    open: int = Field(description="how many alarms need somebody")


@routes.get("/api/v1/events", Action.EVENTS)
async def events(
    parts: Parts,
    who: Who,
    camera: Annotated[str, Query(max_length=64)] = "",
    kind: EventKind | None = None,
    state: Literal["all", "open", "alarms"] = "all",
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> EventsView:
    """What happened, newest first; `before` is the number of the last event of the page before."""
    found = select(parts, who, camera=camera, kind=kind, state=state, before=before, limit=limit)
    return EventsView(
        events=[event_view(parts, logged) for logged in found], open=len(parts.log.open_alarms(seen_by(parts, who)))
    )


@routes.get("/api/v1/events/open", Action.EVENTS)
async def needs_you(parts: Parts, who: Who) -> EventsView:
    """Open alarms, worst first."""
    found = worst_first(parts.log.open_alarms(seen_by(parts, who)))
    return EventsView(events=[event_view(parts, logged) for logged in found], open=len(found))


@routes.post("/api/v1/events/{number}/acknowledge", Action.ACKNOWLEDGE)
async def acknowledge(parts: Parts, who: Who, number: int) -> EventView:
    """Somebody has seen to it; it is journalled who."""
    if not seen_by(parts, who)(parts.log.get(number)):
        raise NotFoundError(f"There is no event {number}")
    logged = await parts.log.acknowledge(number, by=who.principal.name, address=who.address)
    return event_view(parts, logged)


def select(
    parts: RecorderParts,
    who: Visitor,
    *,
    camera: str = "",
    kind: EventKind | None = None,
    state: str = "all",
    before: int | None = None,
    limit: int = 200,
) -> list[LoggedEvent]:
    """Those events that a visitor may see and asks for, newest first."""
    seen = seen_by(parts, who)

    def wanted(logged: LoggedEvent) -> bool:
        event = logged.event
        return (
            seen(logged)
            and (not camera or event.subject == camera)
            and (kind is None or event.kind is kind)
            and (state == "all" or (logged.open if state == "open" else event.alarm))
        )

    return parts.log.newest(limit=limit, wanted=wanted, before=before)


def seen_by(parts: RecorderParts, who: Visitor) -> Callable[[LoggedEvent], bool]:
    """Whether a visitor may see an event: one about a camera only with that camera."""
    cameras = parts.recorder.cameras.list()
    restricted = who.principal.cameras is not None

    def sees(logged: LoggedEvent) -> bool:
        subject = logged.event.subject
        if restricted or subject in cameras:
            return bool(subject) and who.may(Action.CAMERAS_READ, subject)
        return True

    return sees


def event_view(parts: RecorderParts, logged: LoggedEvent) -> EventView:
    """An event as it is shown."""
    event = logged.event
    word, icon = WORDS.get(event.kind, (event.kind.value.replace("_", " ").capitalize(), "info"))
    entry = parts.recorder.cameras.list().get(event.subject)
    return EventView(
        id=logged.number,
        kind=event.kind.value,
        word=word,
        icon=icon,
        text=sentences(event.text.removeprefix(f"{entry.name}: ") if entry else event.text),
        at=milliseconds(event.utc),
        alarm=event.alarm,
        open=logged.open,
        subject=event.subject,
        camera=entry.name if entry else "",
        ended=None if logged.ended is None else milliseconds(logged.ended),
        acknowledged=None if logged.acknowledged is None else milliseconds(logged.acknowledged),
        by=logged.by,
    )
